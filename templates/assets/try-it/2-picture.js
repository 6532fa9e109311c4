// Preparation of a picture for the network, as `mnist-tune predict` does it: digits are cut out, scaled to a box of 20×20 and centred by mass
// like MNIST's; other pictures are resized like the run's. Simpler than there: no sheets of paper, tables or frames are recognised.

const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const quantile = (values, share) => Float64Array.from(values).sort()[Math.min(values.length - 1, Math.floor(share * values.length))] || 0;
/** Returns a map transposed: rows become columns. */
const turned = ({ shape: [height, width, channels], values }) => {
  const result = new Float64Array(values.length);
  for (let at = 0; at < values.length; at += 1) {
    const place = Math.floor(at / channels);
    result[((place % width) * height + Math.floor(place / width)) * channels + (at % channels)] = values[at];
  }
  return { shape: [width, height, channels], values: result };
};
/** Resizes a map like Pillow: box filter to shrink, triangle filter to enlarge. `box`: the used part, [rows, columns]. */
const resize = (map, [high, wide], box = [[0, map.shape[0]], [0, map.shape[1]]]) => {
  const resizeRows = ({ shape: [length, width, channels], values }, count, [low, end]) => {
    const scale = (end - low) / count;
    const reach = scale > 1 ? scale / 2 : 1;
    const result = new Float64Array(count * width * channels);
    for (let row = 0; row < count; row += 1) {
      const centre = low + (row + 0.5) * scale;
      const from = Math.max(0, Math.floor(centre - reach + 0.5));
      const to = Math.min(length, Math.floor(centre + reach + 0.5));
      shares(Array.from({ length: to - from }, (_, place) => (scale > 1 ? 1 : Math.max(0, 1 - Math.abs(from + place + 0.5 - centre))))).forEach((weight, place) => {
        for (let at = 0; at < width * channels; at += 1) result[row * width * channels + at] += weight * values[(from + place) * width * channels + at];
      });
    }
    return { shape: [count, width, channels], values: result };
  };
  return turned(resizeRows(turned(resizeRows(map, high, box[0])), wide, box[1]));
};
/** Returns a picture's pixels from RGBA, 0 to 255, grey or in colour; transparent pixels are white. */
const pixelsOf = ({ width, height, data }, channels) => {
  const over = (at, channel) => 255 + ((data[at + channel] - 255) * data[at + 3]) / 255;
  const values = Float64Array.from({ length: width * height * channels }, (_, place) => {
    const at = 4 * Math.floor(place / channels);
    return channels === 3 ? over(at, place % 3) : 0.299 * over(at, 0) + 0.587 * over(at, 1) + 0.114 * over(at, 2);
  });
  return { shape: [height, width, channels], values };
};

// --- digits ---------------------------------------------------------------------------------------------------------
/** Returns the minimum or maximum of the window around each pixel of a grey map; `pick` is Math.min or Math.max. */
const extreme = (map, reach, pick) => {
  const ofRows = ({ shape: [height, width], values }) => ({
    shape: [height, width, 1],
    values: values.map((value, at) => {
      let best = value;
      for (let other = Math.max(0, (at % width) - reach); other <= Math.min(width - 1, (at % width) + reach); other += 1) best = pick(best, values[at - (at % width) + other]);
      return best;
    }),
  });
  return turned(ofRows(turned(ofRows(map))));
};
const scaledTo = (map, longer) => resize(map, map.shape.slice(0, 2).map((side) => Math.max(1, Math.round((side * longer) / Math.max(...map.shape)))));

/** Returns each pixel's difference from the paper, which is estimated by closing over strokes; ink may be darker or brighter. */
const contrastOf = (light) => {
  const coarse = scaledTo(light, Math.min(64, Math.max(...light.shape)));
  const middle = quantile(coarse.values, 0.5);
  const dark = sum(coarse.values.map((value) => (value - middle) ** 3)) <= 0;
  const [first, second] = dark ? [Math.max, Math.min] : [Math.min, Math.max];
  const reach = Math.max(1, Math.round(0.15 * Math.max(...coarse.shape)));
  const paper = resize(extreme(extreme(coarse, reach, first), reach, second), light.shape).values;
  return light.values.map((value, at) => Math.max(0, dark ? (paper[at] - value) / Math.max(paper[at], 13) : (value - paper[at]) / 255));
};

/** Returns a mask of the strokes: connected pixels above `least` of which one is above `sure`; 0 at specks and paper. */
const strokesOf = ({ shape: [height, width], values }, least, sure) => {
  const mask = new Float64Array(values.length);
  const seen = new Set();
  const strokes = [];
  values.forEach((_, start) => {
    const pixels = [start];
    for (const at of pixels) {
      if (seen.has(at) || values[at] < least) continue;
      seen.add(at);
      const column = at % width;
      for (const down of [-width, 0, width]) for (let right = column ? -1 : 0; right <= (column < width - 1 ? 1 : 0); right += 1) pixels.push(at + down + right);
    }
    const stroke = pixels.length > 1 ? [...new Set(pixels)].filter((at) => values[at] >= least) : [];
    if (stroke.some((at) => values[at] >= sure)) strokes.push(stroke);
  });
  const most = Math.max(...strokes.map(({ length }) => length));
  strokes.filter(({ length }) => length >= 0.02 * most).flat().forEach((at) => { mask[at] = 1; });
  return { shape: [height, width, 1], values: mask };
};

/** Pads a map with zeros; `top` and `left` are the place of its upper left corner. */
const placed = ({ shape: [height, width, channels], values }, [high, wide], top, left) => {
  const result = new Float64Array(high * wide * channels);
  for (let row = 0; row < height; row += 1) result.set(values.subarray(row * width * channels, (row + 1) * width * channels), ((top + row) * wide + left) * channels);
  return { shape: [high, wide, channels], values: result };
};
/** Returns each pixel's distance in pixels to the nearest pixel of a mask (chamfer 3-4, Borgefors 1986). */
const distancesTo = ({ shape: [height, width], values }, isIn) => {
  const far = values.map((value) => (isIn(value) ? 0 : 1e6));
  const pass = (from, by) => {
    for (let at = from; at >= 0 && at < far.length; at += by) {
      const column = at % width;
      const near = (to, length, isInside) => { if (isInside && far[to] + length < far[at]) far[at] = far[to] + length; };
      const [back, ahead] = by > 0 ? [column > 0, column < width - 1] : [column < width - 1, column > 0];
      near(at - by, 1, back);
      near(at - by * width, 1, true);
      near(at - by * (width + 1), 4 / 3, back);
      near(at - by * (width - 1), 4 / 3, ahead);
    }
  };
  pass(0, 1);
  pass(far.length - 1, -1);
  return { shape: [height, width, 1], values: far };
};
/** Scales ink so that its longer side is 20 pixels; strokes that would be thinner than 1.8, which is rare in MNIST, are broadened first. */
const scaledInk = (ink) => {
  const margins = (map, width) => placed(map, [map.shape[0] + 2 * width, map.shape[1] + 2 * width], width, width);
  const fine = scaledTo(ink, 160);
  const depths = distancesTo(margins(fine, 1), (value) => value <= 0.5);
  const deepest = extreme(depths, 1, Math.max).values;
  const by = 7.2 - quantile(depths.values.filter((depth, at) => depth > 0 && depth >= deepest[at]), 0.5);
  if (by <= 0.5) return scaledTo(fine, 20);
  const wide = margins(fine, Math.ceil(by) + 1);
  const away = distancesTo(wide, (value) => value > 0.5).values;
  return scaledTo({ ...wide, values: wide.values.map((value, at) => Math.max(value, clip(by + 0.5 - away[at], 0, 1))) }, 20);
};
const cropped = (map) => {
  const box = [map, turned(map)].map(({ shape: [height, width], values }) => {
    const rows = Array.from({ length: height }, (_, row) => row).filter((row) => values.subarray(row * width, (row + 1) * width).some((value) => value > 0));
    return [rows[0], rows[rows.length - 1] + 1];
  });
  return resize(map, box.map(([from, to]) => to - from), box);
};

/** Returns {pixels} of 28×28, or {why} with the reason for none. */
const prepareDigit = (picture) => {
  const light = pixelsOf(picture, 1);
  const contrast = contrastOf(light);
  const most = contrast.reduce((one, other) => Math.max(one, other));
  if (most < 0.2) return { why: "Nothing is drawn yet." };
  const full = quantile(contrast.filter((value) => value > Math.max(0.2, most / 2)), 0.75);
  const strokes = strokesOf({ ...light, values: contrast }, 0.35 * full, 0.6 * full);
  const near = extreme(strokes, Math.max(1, Math.round(0.01 * Math.max(...light.shape))), Math.max).values;
  const ink = cropped({ ...light, values: contrast.map((value, at) => near[at] * clip((value / full - 0.12) / 0.78, 0, 1)) });
  const { shape, values } = scaledInk(ink);
  const brightest = Math.max(quantile(values, 0.98), 1e-6);
  const small = { shape, values: values.map((value) => Math.round(255 * Math.min(value / brightest, 1))) };
  const mass = sum(small.values);
  const [top, left] = [small, turned(small)].map(({ shape: [height, width], values: ofInk }) => clip(Math.round(14 - sum(ofInk.map((value, at) => (value * Math.floor(at / width)) / mass))), 0, 28 - height));
  return { pixels: placed(small, [28, 28], top, left).values, why: ink.shape[1] > 2.2 * ink.shape[0] ? "This is wider than any digit: perhaps several?" : "" };
};

// --- other pictures -------------------------------------------------------------------------------------------------
/** Returns {pixels} of a shape: the picture's middle (crop), all of it with black borders (pad), or all of it stretched. */
const prepareImage = (picture, [high, wide, channels], how) => {
  const map = pixelsOf(picture, channels);
  const sides = map.shape.slice(0, 2);
  const scales = [high / sides[0], wide / sides[1]];
  const scale = how === "crop" ? Math.max(...scales) : Math.min(...scales);
  const size = how === "pad" ? sides.map((side) => Math.max(1, Math.round(side * scale))) : [high, wide];
  const box = sides.map((side, axis) => {
    const cut = how === "crop" ? (side - size[axis] / scale) / 2 : 0;
    return [cut, side - cut];
  });
  const { values } = placed(resize(map, size, box), [high, wide], Math.round((high - size[0]) / 2), Math.round((wide - size[1]) / 2));
  return { pixels: values.map(Math.round), why: "" };
};
