// The curves of one trial, drawn from the page's data: accuracy on an error scale, loss on a logarithmic scale.
const SIZE = { width: 300, height: 168, left: 44, right: 66, top: 10, bottom: 26 };
const ACCURACY_TICKS = [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995];
const errorScale = (accuracy) => -Math.log10(Math.max(1 - accuracy, 5e-5));

const every = (ticks, most) => ticks.filter((_, place) => (ticks.length - 1 - place) % Math.ceil(ticks.length / most) === 0);
const logTicks = (low, high) => {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1; power += 1) ticks.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  return ticks.filter((tick) => tick >= low && tick <= high);
};
const short = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1).replace(".0e", "e").replace("-", "−") : String(Number(value.toPrecision(2))));

/** Moves heights apart by at least `least`, keeping their order, so that names don't overlap. */
const apart = (heights, least) => {
  const order = heights.map((_, place) => place).sort((a, b) => heights[a] - heights[b]);
  const found = [...heights];
  order.forEach((place, at) => { if (at) found[place] = Math.max(found[place], found[order[at - 1]] + least); });
  const shift = order.length > 1 ? order.reduce((sum, place) => sum + found[place] - heights[place], 0) / order.length : 0;
  return found.map((height) => height - Math.min(shift, Math.min(...found) - SIZE.top));
};

/** Returns a chart as an SVG element. lines: [{name, points: [[epoch, value]], look}]; from: further values that the axis must include. */
const drawCurves = ({ name, lines, scale, ticks, write, from = [] }) => {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const epochs = lines.flatMap(({ points }) => points.map(([epoch]) => epoch));
  const [low, high] = [Math.min(...values, ...from), Math.max(...values, ...from)];
  const lastEpoch = Math.max(...epochs);
  const x = scaled(1, lastEpoch, SIZE.left, SIZE.width - SIZE.right);
  const height = scaled(scale(low), scale(high), SIZE.height - SIZE.bottom, SIZE.top);
  const y = (value) => height(scale(value));
  const inside = ticks(low, high);
  const marks = every(inside.length > 1 ? inside : [low, high], 5);
  const text = (words, at, anchor, look = "muted") => makeSvg("text", { x: at[0], y: at[1], "text-anchor": anchor, class: look }, words);
  const ends = apart(lines.map(({ points }) => y(points[points.length - 1][1])), 13);
  const label = `${name} of each epoch: ${lines.map((line) => `${line.name ? `${line.name} ` : ""}ends at ${write(line.points[line.points.length - 1][1])}`).join(", ")}`;
  return makeSvg(
    "svg",
    { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, width: SIZE.width, height: SIZE.height, role: "img", "aria-label": label, class: "curve" },
    ...marks.flatMap((tick) => [
      makeSvg("path", { d: `M ${SIZE.left} ${y(tick)} H ${SIZE.width - SIZE.right}`, class: "grid" }),
      text(write(tick), [SIZE.left - 6, y(tick) + 4], "end"),
    ]),
    text("1", [x(1), SIZE.height - 8], "middle"),
    lastEpoch > 1 ? text(`epoch ${lastEpoch}`, [x(lastEpoch), SIZE.height - 8], "middle") : "",
    ...lines.map(({ points, look }) => makeSvg("path", { d: `M ${points.map(([epoch, value]) => `${x(epoch)} ${y(value)}`).join(" L ")} h 0.01`, class: `line ${look}` })),
    ...lines.map((line, place) => text(line.name, [SIZE.width - SIZE.right + 6, ends[place] + 4], "start", line.look)),
  );
};

const CHARTS = [
  {
    name: "Accuracy",
    metrics: [["training", "accuracy", "training"], ["validation", "val_accuracy", "validation"]],
    scale: errorScale,
    ticks: (low, high) => ACCURACY_TICKS.filter((tick) => tick >= low && tick <= high),
    write: (value) => `${Number((100 * value).toFixed(2))}%`,
  },
  {
    name: "Loss",
    metrics: [["training", "loss", "training"], ["validation", "val_loss", "validation"]],
    scale: (value) => Math.log10(Math.max(value, 1e-6)),
    ticks: (low, high) => logTicks(Math.max(low, 1e-6), high),
    write: short,
  },
  {
    name: "Learning rate",
    metrics: [["", "learning_rate", "validation"]],
    from: [0],
    scale: (value) => value,
    ticks: (low, high) => [low, (low + high) / 2, high],
    write: short,
  },
];
/** Returns the charts for which a trial has values. `others` ([name, trial, look]): trials whose validation curves are added. */
const curvesOf = (trial, others = []) =>
  CHARTS.map((chart) => {
    const own = chart.metrics.map(([name, metric, look]) => ({ name, look, points: trial.curves[metric] })).filter(({ points }) => points.length);
    const [, metric] = chart.metrics[chart.metrics.length - 1];
    const beside = others.map(([name, other, look]) => ({ name, look, points: other.curves[metric] })).filter(({ points }) => points.length);
    return { ...chart, lines: own.length ? [...own, ...beside] : [] };
  })
    .filter(({ lines }) => lines.length)
    .map((chart) => make("figure", {}, make("figcaption", {}, chart.name), drawCurves(chart)));
