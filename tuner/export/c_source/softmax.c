
/* What follows is LiteRT's integer softmax. Fractions have 31 bits after the point where nothing else is said. */

/* e^x for x <= 0 with 26 bits after the point. */
static int32_t exponential(int32_t x) {
  /* e^-(2^k) for k from -2 to 4 */
  static const int32_t POWERS[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  if (x == 0) return INT32_MAX;
  /* x = part - rest: part in [-1/4, 0), and rest a sum of powers of 2. A polynomial around -1/8 gives e^part. */
  const int32_t part = (x & ((1 << 24) - 1)) - (1 << 24), rest = part - x;
  const int32_t z = part * 32 + (1 << 28), z2 = scaled(z, z, 0), z3 = scaled(z2, z, 0), z4 = scaled(z2, z2, 0);
  const int32_t terms = divided(scaled(divided(z4, 2) + z3, 715827883, 0) + z2, 1);
  int32_t result = 1895147668 + scaled(1895147668, z + terms, 0);
  for (int k = 0; k < 7; k++) {
    if (rest & ((int32_t)1 << (24 + k))) result = scaled(result, POWERS[k], 0);
  }
  return result;
}

/* 1 / (1 + x) for x in [0, 1), by Newton and Raphson's method. The estimates have 29 bits after the point. */
static int32_t reciprocal(int32_t x) {
  const int32_t half = (int32_t)(((int64_t)x + ((int64_t)1 << 31)) / 2);
  int32_t estimate = 1515870810 + scaled(half, -1010580540, 0);
  for (int n = 0; n < 3; n++) {
    estimate += 4 * scaled(estimate, (1 << 29) - scaled(half, estimate, 0), 0);
  }
  return estimate >= 1 << 30 ? INT32_MAX : estimate * 2;
}

static int32_t weight(const int8_t *scores, int n, int32_t most) {
  const int32_t difference = scores[n] - most;
  return difference < SOFTMAX_LEAST ? 0 : exponential(scaled(difference, SOFTMAX_MULTIPLIER, SOFTMAX_SHIFT));
}

void mnist_tune_probabilities(const int8_t *scores, uint8_t *probabilities) {
  int32_t most = scores[0];
  uint32_t sum = 0; /* 19 bits after the point */
  int free_bits = 0;
  for (int n = 1; n < MNIST_TUNE_CLASSES; n++) {
    if (scores[n] > most) most = scores[n];
  }
  for (int n = 0; n < MNIST_TUNE_CLASSES; n++) sum += (uint32_t)divided(weight(scores, n, most), 12);
  while (!(sum & ((uint32_t)1 << 31))) {
    sum <<= 1;
    free_bits++;
  }
  const int32_t factor = reciprocal((int32_t)(sum & INT32_MAX));
  for (int n = 0; n < MNIST_TUNE_CLASSES; n++) {
    const int32_t value = divided(scaled(factor, weight(scores, n, most), 0), 12 - free_bits + 31 - 8);
    probabilities[n] = @PROBABILITY@;
  }
}
