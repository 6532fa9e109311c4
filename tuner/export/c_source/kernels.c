#if defined(__GNUC__)
#define NOT_INLINED __attribute__((noinline))
#else
#define NOT_INLINED
#endif

enum { CONV, DEPTHWISE, MAX, AVERAGE, MEAN };

/* An operation that gives all channels of one position. */
typedef struct {
  const int8_t *kernel; /* outputs, height, width, inputs; of a depthwise convolution height, width, outputs */
  const int32_t *bias;  /* NULL: none */
  const int32_t *multiplier;
  const int8_t *shift;
  const uint8_t *table;     /* applied last: 256 bytes; NULL: none */
  uint16_t inputs, outputs; /* channels */
  uint8_t height, width;    /* of the kernel */
  uint8_t kind;
  uint8_t input_zero, output_zero;
  uint8_t lowest, highest; /* values are clipped to these */
  uint8_t channel_tables;  /* 1: a table a channel, one after the other */
  uint8_t rounds_once;     /* 1: sums are scaled with one rounding, as in LiteRT's dense layers */
} Layer;

/* A layer on windows of a map, layers of 1x1 on each result, then a maximum of pool_y x pool_x results. */
typedef struct {
  const uint8_t *in; /* NULL: the image */
  uint8_t *out;
  const Layer *layers;
  uint16_t in_height, in_width;
  uint16_t in_rows, out_rows; /* rows that are kept, in a ring */
  uint16_t out_width;
  uint16_t steps; /* rows to compute, before the maximum */
  int16_t pad_top, pad_left;
  uint8_t stride_y, stride_x;
  uint8_t pool_y, pool_x;
  uint8_t layer_count;
  uint8_t whole; /* 1: the stage before must be done */
} Stage;

/* The part of a kernel that lies inside the map, and where the map's rows are. */
typedef struct {
  uint16_t top, bottom, left, right;
  uint16_t slot, rows; /* of the ring: the first row, their number */
  uint32_t row_bytes;
} Window;

@NETWORK@
static const Window ONE = {0, 1, 0, 1, 0, 1, 0};

/* x / 2^exponent, halves away from zero. >> keeps the sign, as in every compiler for these machines. */
static int32_t divided(int32_t x, int exponent) {
  const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
  return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0));
}

/* x * multiplier / 2^31 * 2^shift, rounded twice as LiteRT's reference kernels do. */
static int32_t scaled(int32_t x, int32_t multiplier, int shift) {
  int64_t product = (int64_t)x * multiplier;
  if (shift > 0) product *= (int64_t)1 << shift;
  const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
  return shift < 0 ? divided(high, -shift) : high;
}

/* The same with one rounding. */
static int32_t scaled_once(int32_t x, int32_t multiplier, int shift) {
  return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

/* Not inlined, so that all of it is in registers. Four at a time: a turn of the loop costs as much as a product. */
static NOT_INLINED int32_t dot_product(const int8_t *kernel, const uint8_t *values, uint32_t count, int32_t zero) {
  const int8_t *const end = kernel + count;
  int32_t sum = 0;
  while (end - kernel >= 4) {
    sum += kernel[0] * (values[0] - zero) + kernel[1] * (values[1] - zero) + kernel[2] * (values[2] - zero) +
           kernel[3] * (values[3] - zero);
    kernel += 4;
    values += 4;
  }
  while (kernel < end) sum += *kernel++ * (*values++ - zero);
  return sum;
}

static int32_t convolution(const Layer *layer, const uint8_t *in, const Window *window, uint32_t output) {
  const uint32_t count = (uint32_t)(window->right - window->left) * layer->inputs;
  const uint32_t kernel_row = (uint32_t)layer->width * layer->inputs;
  const int8_t *kernel = layer->kernel + (output * layer->height + window->top) * kernel_row +
                         (uint32_t)window->left * layer->inputs;
  const uint8_t *row = in + window->slot * window->row_bytes;
  uint16_t slot = window->slot;
  int32_t sum = 0;
  for (uint32_t y = window->top; y < window->bottom; y++) {
    sum += dot_product(kernel, row, count, layer->input_zero);
    kernel += kernel_row;
    row += window->row_bytes;
    if (++slot == window->rows) slot = 0, row = in;
  }
  return sum;
}

static NOT_INLINED int32_t depthwise(const Layer *layer, const uint8_t *in, const Window *window, uint32_t output) {
  const uint32_t step = layer->outputs, width = layer->width, columns = (uint32_t)(window->right - window->left);
  const int8_t *kernel = layer->kernel + (window->top * width + window->left) * step + output;
  const uint8_t *row;
  const int32_t zero = layer->input_zero;
  uint16_t slot = window->slot;
  int32_t sum = 0;
  in += output / (step / layer->inputs);
  row = in + slot * window->row_bytes;
  for (uint32_t y = window->top; y < window->bottom; y++) {
    const uint8_t *value = row;
    const int8_t *factor = kernel;
    for (uint32_t x = 0; x < columns; x++) {
      sum += *factor * (*value - zero);
      value += layer->inputs;
      factor += step;
    }
    kernel += width * step;
    row += window->row_bytes;
    if (++slot == window->rows) slot = 0, row = in;
  }
  return sum;
}

/* The maximum, or the mean, of a window of one channel. */
static int32_t pooled(const Layer *layer, const uint8_t *in, const Window *window, uint32_t channel) {
  const int32_t count = (window->bottom - window->top) * (window->right - window->left);
  uint16_t slot = window->slot;
  int32_t most = 0, sum = -128 * count;
  for (uint32_t y = window->top; y < window->bottom; y++) {
    const uint8_t *value = in + slot * window->row_bytes + channel;
    for (uint32_t x = window->left; x < window->right; x++) {
      sum += *value;
      if (*value > most) most = *value;
      value += layer->inputs;
    }
    if (++slot == window->rows) slot = 0;
  }
  if (!HAS_AVERAGE || layer->kind == MAX) return most;
  return (sum + (sum > 0 ? count / 2 : -(count / 2))) / count + 128;
}

static uint8_t finished(const Layer *layer, int32_t value, uint32_t output) {
  const uint8_t byte = (uint8_t)(value < layer->lowest ? layer->lowest : value > layer->highest ? layer->highest : value);
  if (!HAS_TABLE || layer->table == NULL) return byte;
  return layer->table[HAS_CHANNEL_TABLES && layer->channel_tables ? 256 * output + byte : byte];
}

/* All channels of one position. */
static void apply(const Layer *layer, const uint8_t *in, const Window *window, uint8_t *out) {
  for (uint32_t output = 0; output < layer->outputs; output++) {
    int32_t value;
    if (HAS_POOLING && (layer->kind == MAX || layer->kind == AVERAGE)) {
      value = pooled(layer, in, window, output);
    } else {
      value = HAS_DEPTHWISE && layer->kind == DEPTHWISE ? depthwise(layer, in, window, output)
                                                        : convolution(layer, in, window, output);
      if (layer->bias != NULL) value += layer->bias[output];
      value = HAS_DENSE && layer->rounds_once ? scaled_once(value, layer->multiplier[output], layer->shift[output])
                                              : scaled(value, layer->multiplier[output], layer->shift[output]);
      value += layer->output_zero;
    }
    out[output] = finished(layer, value, output);
  }
}

/* Adds one row of a map to its channels' sums; after the last row the means are given. */
static void add_to_means(const Stage *stage, const uint8_t *in, uint16_t step) {
  const Layer *layer = stage->layers;
  const uint8_t *row = in + (uint32_t)(step % stage->in_rows) * stage->in_width * layer->inputs;
  for (uint32_t channel = 0; channel < layer->inputs; channel++) {
    int32_t sum = step == 0 ? 0 : sums[channel];
    for (uint32_t x = 0; x < stage->in_width; x++) sum += row[x * layer->inputs + channel] - layer->input_zero;
    sums[channel] = (Sum)sum;
    if (step + 1 == stage->steps) {
      sum = scaled(sum, layer->multiplier[0], layer->shift[0]) + layer->output_zero;
      stage->out[channel] = finished(layer, sum, channel);
    }
  }
}

static uint16_t within(int32_t value, uint16_t most) { return (uint16_t)(value < 0 ? 0 : value > most ? most : value); }

/* The maximum so far of the window in which a result lies. */
static void keep_maximum(const uint8_t *result, uint8_t *most, uint16_t channels, int is_first) {
  for (uint16_t channel = 0; channel < channels; channel++) {
    if (is_first || result[channel] > most[channel]) most[channel] = result[channel];
  }
}

/* One row of a stage, before its maximum. */
static void make_row(const Stage *stage, const uint8_t *in, uint16_t step) {
  const Layer *layer = stage->layers;
  const uint16_t channels = layer[stage->layer_count - 1].outputs;
  const uint32_t row = (uint32_t)step / stage->pool_y;
  const int has_pool = HAS_FUSED_MAX && stage->pool_y * stage->pool_x > 1;
  uint8_t *out = stage->out + row % stage->out_rows * stage->out_width * channels;
  const int32_t y = step * stage->stride_y - stage->pad_top;
  Window window;
  window.top = within(-y, layer->height);
  window.bottom = within(stage->in_height - y, layer->height);
  window.rows = stage->in_rows;
  window.slot = (uint16_t)((y + window.top) % stage->in_rows);
  window.row_bytes = (uint32_t)stage->in_width * layer->inputs;
  for (int32_t column = 0; column < stage->out_width * stage->pool_x; column++) {
    const int32_t x = column * stage->stride_x - stage->pad_left;
    window.left = within(-x, layer->width);
    window.right = within(stage->in_width - x, layer->width);
    const uint8_t *values = in + (uint32_t)(x + window.left) * layer->inputs;
    for (uint8_t number = 0; number < stage->layer_count; number++) {
      uint8_t *result = number + 1 == stage->layer_count && !has_pool ? out : scratch[number % SCRATCHES];
      apply(&layer[number], values, number == 0 ? &window : &ONE, result);
      values = result;
    }
    if (has_pool) keep_maximum(values, out, channels, step % stage->pool_y == 0 && column % stage->pool_x == 0);
    if ((column + 1) % stage->pool_x == 0) out += channels;
  }
}

/* Whether the stage before has completed what the next row needs. */
static int is_ready(const Stage *stage, uint16_t step, uint16_t done_before) {
  const Stage *before = stage - 1;
  if (stage->whole) return done_before == before->steps;
  const int32_t rows = step * stage->stride_y - stage->pad_top + stage->layers->height;
  return done_before >= within(rows, stage->in_height) * before->pool_y;
}

static void run(const uint8_t *pixels) {
  uint16_t done[STAGE_COUNT];
  for (uint32_t n = 0; n < STAGE_COUNT; n++) done[n] = 0;
  for (uint32_t end = 0; end < sizeof ENDS; end++) {
    while (done[ENDS[end]] < STAGES[ENDS[end]].steps) {
      uint32_t n = ENDS[end];
      while (n > 0 && !is_ready(&STAGES[n], done[n], done[n - 1])) n--;
      const uint8_t *in = STAGES[n].in == NULL ? pixels : STAGES[n].in;
      if (HAS_MEAN && STAGES[n].layers->kind == MEAN) {
        add_to_means(&STAGES[n], in, done[n]);
      } else {
        make_row(&STAGES[n], in, done[n]);
      }
      done[n]++;
    }
  }
}

int mnist_tune_predict(const uint8_t *pixels, int8_t *scores) {
  int best = 0;
  run(pixels);
  for (int n = 0; n < MNIST_TUNE_CLASSES; n++) {
    if (SCORES[n] > SCORES[best]) best = n;
    if (scores != NULL) scores[n] = (int8_t)(SCORES[n] - 128);
  }
  return best;
}
