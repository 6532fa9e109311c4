// The network in the page: its forward pass, layer by layer, and the evidence for a class. No access to the page's elements.
// A map is {shape: [height, width, channels], values}, the channels of a position side by side.

const SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=/?@^_`{|}~";
/** Decodes base 85: five characters are four bytes (RFC 1924, with other characters instead of HTML's). */
const bytesOf = (text) => {
  const bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let place = 0; place < text.length; place += 5)
    bytes.setUint32((place / 5) * 4, [...text.slice(place, place + 5)].reduce((word, sign) => 85 * word + SIGNS.indexOf(sign), 0));
  return bytes.buffer;
};
const product = (sizes) => sizes.reduce((one, other) => one * other, 1);
const sum = (values) => values.reduce((one, other) => one + other, 0);

/** Returns the layers with their weights, from the page's data of a network. */
const unpackNetwork = ({ layers, kernels, numbers, integers, ...rest }) => {
  const stored = new (integers ? Int16Array : Float32Array)(bytesOf(kernels));
  const floats = new Float32Array(bytesOf(numbers));
  let [place, at] = [0, 0];
  const unpacked = layers.map((layer) => {
    const size = layer.kind === "conv" || layer.kind === "depthwise" ? product(layer.kernel) : 0;
    const weights = Float32Array.from(stored.subarray(place, (place += size)), (weight) => weight * (layer.step || 1));
    return { strides: [1, 1], start: [0, 0], activation: "linear", ...layer, weights, numbers: floats.subarray(at, (at += layer.numbers || 0)) };
  });
  return { layers: unpacked, ...rest };
};

// --- activations ----------------------------------------------------------------------------------------------------
const elu = (x, slope) => (x > 0 ? x : slope * Math.expm1(x));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
/** The normal distribution function (Abramowitz and Stegun 1964, 7.1.26: exact to 1e-7). */
const normal = (x) => {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-x * x) / 2);
  return x > 0 ? 1 - tail / 2 : tail / 2;
};
const FUNCTIONS = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
  elu,
  selu: (x) => 1.0507009873554805 * elu(x, 1.6732632423543772),
  gelu: (x) => x * normal(x),
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
  hard_sigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
  softsign: (x) => x / (1 + Math.abs(x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};
const shares = (values) => {
  const total = sum(values);
  return values.map((value) => value / total);
};
/** Activations of a whole vector instead of single numbers. */
const OF_VECTORS = {
  softmax: (values) => {
    const most = Math.max(...values);
    return shares(values.map((value) => Math.exp(value - most)));
  },
  normalise: (values) => shares(values.map((value) => value + 1e-7)),
  binary: ([one]) => Float64Array.of(1 - one, one),
};

// --- layers ---------------------------------------------------------------------------------------------------------
/** Visits each window of a layer: (position of the output, position of the input, place in the window). Padding is skipped. */
const slide = ({ shape: [rows, columns], kernel: [high, wide], strides: [down, right], start: [top, left] }, [height, width], visit) => {
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < columns; x += 1)
      for (let i = 0; i < high; i += 1)
        for (let j = 0; j < wide; j += 1) {
          const row = y * down + top + i;
          const column = x * right + left + j;
          if (row >= 0 && row < height && column >= 0 && column < width) visit(y * columns + x, row * width + column, i * wide + j);
        }
};
/** Computes a layer that keeps channels apart: `update(so far, value, place in the kernel)`; `multiplier` outputs a channel. */
const channelwise = (layer, { shape, values }, first, update, multiplier = 1) => {
  const outputs = layer.shape[2];
  const result = Float64Array.from({ length: product(layer.shape) }, (_, place) => first(place % outputs));
  slide(layer, shape, (to, from, tap) => {
    for (let output = 0; output < outputs; output += 1) {
      const at = to * outputs + output;
      result[at] = update(result[at], values[(from * outputs + output - (output % multiplier)) / multiplier], tap * outputs + output);
    }
  });
  return result;
};
/** A layer's kind → function that returns its values before the activation. */
const LAYERS = {
  reshape: (layer, { values }) => Float64Array.from(values),
  scale: ({ numbers }, { values }) => {
    const count = numbers.length / 2;
    return Float64Array.from(values, (value, place) => value * numbers[place % count] + numbers[count + (place % count)]);
  },
  conv: (layer, { shape, values }) => {
    const { weights, numbers, kernel: [, , inputs, outputs] } = layer;
    const result = Float64Array.from({ length: product(layer.shape) }, (_, place) => numbers[place % outputs]);
    slide(layer, shape, (to, from, tap) => {
      for (let input = 0; input < inputs; input += 1) {
        const value = values[from * inputs + input];
        const first = (tap * inputs + input) * outputs;
        if (value !== 0) for (let output = 0; output < outputs; output += 1) result[to * outputs + output] += value * weights[first + output];
      }
    });
    return result;
  },
  depthwise: (layer, map) =>
    channelwise(layer, map, (output) => layer.numbers[output], (before, value, place) => before + value * layer.weights[place], layer.kernel[3]),
  crop: (layer, map) => channelwise(layer, map, () => 0, (before, value) => value),
  max_pool: (layer, map) => channelwise(layer, map, () => -Infinity, (before, value) => Math.max(before, value)),
  mean_pool: (layer, map) => {
    const count = channelwise(layer, map, () => 0, (before) => before + 1);
    return channelwise(layer, map, () => 0, (before, value) => before + value).map((total, place) => total / count[place]);
  },
};
const stepOf = (map, layer) => {
  const values = LAYERS[layer.kind](layer, map);
  const whole = OF_VECTORS[layer.activation];
  return { shape: layer.shape, values: whole ? whole(values) : values.map((value) => FUNCTIONS[layer.activation](value, layer.slope)) };
};

/** Returns the map of each layer, the probabilities last. `pixels`: 0 to 255. */
const mapsOf = ({ layers }, pixels) => {
  let map = { shape: layers[0].shape, values: pixels };
  return layers.map((layer) => (map = stepOf(map, layer)));
};
const probabilitiesOf = (network, pixels) => [...mapsOf(network, pixels).pop().values];

// --- evidence -------------------------------------------------------------------------------------------------------
// Evidence is {values: [rows × columns], rows, columns, down, right}; `down` and `right` are [pixel of the first position, pixels to the next].

/** Returns what each position of the last map adds to a class's logit, exact since all later layers are linear (class activation map, Zhou et al. 2016). */
const exactEvidence = ({ layers, linear: { start: from, down, right } }, maps, name) => {
  const { shape: [rows, columns, channels], shape, values } = maps[from - 1];
  const behind = layers.slice(from).map((layer) => ({ ...layer, activation: "linear" }));
  const logit = (first) => {
    const alone = new Float64Array(values.length);
    alone.set(values.subarray(first, first + channels), first);
    return behind.reduce(stepOf, { shape, values: alone }).values[name];
  };
  const nothing = logit(values.length);
  return { rows, columns, down, right, values: Array.from({ length: rows * columns }, (_, place) => logit(place * channels) - nothing) };
};

const logOdds = (probability) => Math.log(Math.max(probability, 1e-12)) - Math.log(Math.max(1 - probability, 1e-12));
/** Computes how far the classes' log-odds fall when a patch of the image is covered (Zeiler and Fergus 2014), one position a step. */
function* occlusion(network, pixels, names, cover) {
  const [height, width, channels] = network.layers[0].shape;
  const side = Math.max(3, Math.round(Math.min(height, width) / 5));
  const [rows, columns] = [height, width].map((length) => Math.ceil((2 * (length - side)) / side) + 1);
  const odds = (some) => {
    const likely = probabilitiesOf(network, some);
    return names.map((name) => logOdds(likely[name]));
  };
  const whole = odds(pixels);
  const falls = [];
  while (falls.length < rows * columns) {
    const [top, left] = [Math.floor(falls.length / columns), falls.length % columns].map((number) => Math.floor((number * side) / 2));
    const covered = pixels.slice();
    for (let row = top; row < Math.min(top + side, height); row += 1)
      for (let at = (row * width + left) * channels; at < (row * width + Math.min(left + side, width)) * channels; at += 1) covered[at] = cover[at % channels];
    const rest = odds(covered);
    falls.push(whole.map((value, place) => value - rest[place]));
    yield;
  }
  const middle = [(side - 1) / 2, side / 2];
  return names.map((_, place) => ({ rows, columns, values: falls.map((fall) => fall[place]), down: middle, right: middle }));
}

/** Interpolates the evidence at a pixel of the image; it fades where no position is near. */
const evidenceAt = ({ rows, columns, values, down, right }, y, x) => {
  let near = 1;
  const [[above, lower], [before, farther]] = [[y, down, rows - 1], [x, right, columns - 1]].map(([at, [first, distance], last]) => {
    const wanted = (at - first) / distance;
    const place = Math.min(Math.max(wanted, 0), last);
    near *= Math.min(1, Math.max(0, 1.5 - Math.abs(wanted - place)));
    return [Math.floor(place), place % 1];
  });
  const along = (row) => {
    const value = (column) => values[Math.min(row, rows - 1) * columns + Math.min(column, columns - 1)];
    return value(before) * (1 - farther) + value(before + 1) * farther;
  };
  return near * (along(above) * (1 - lower) + along(above + 1) * lower);
};
