// The page's script: all files together make one script, in the order of their names. The page is complete without it.
// This file: helpers for all files, the page's trials, and the state (chosen, pointed at and shown trials).
"use strict";
document.documentElement.classList.add("js");

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Makes an element. Texts and numbers are escaped by the browser, functions become listeners, null omits an attribute. */
const build = (namespace) => (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(namespace, tag);
  Object.entries(attributes).forEach(([key, value]) => {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== false) element.setAttribute(key, value);
  });
  element.append(...children);
  return element;
};
const make = build("http://www.w3.org/1999/xhtml");
const makeSvg = build("http://www.w3.org/2000/svg");
/** Returns a linear scale that maps `low` to `from` and `high` to `to`. */
const scaled = (low, high, from, to) => (value) => (high > low ? from + ((value - low) / (high - low)) * (to - from) : (from + to) / 2);

// --- the trials -----------------------------------------------------------------------------------------------------
const packed = { fields: [], settings: [], curves: [], ...JSON.parse(document.getElementById("page-data").textContent) };

const unpackCurve = (values, [metric, scale], lastEpoch) => {
  const step = values.length > 1 ? (lastEpoch - 1) / (values.length - 1) : 0;
  const thinned = values.length < lastEpoch;
  return values
    .map((value, place) => [thinned ? Math.floor(1 + place * step + 0.5) : place + 1, scale && value !== null ? value / scale : value])
    .filter(([, value]) => value !== null);
};
const EPOCHS_RUN = packed.fields.indexOf("epochs_run");
const unpack = (trial, [values, settings, curves]) => ({
  trial,
  ...Object.fromEntries(packed.fields.map((field, place) => [field, values[place]])),
  thinned: curves.some((curve) => curve.length && curve.length < values[EPOCHS_RUN]),
  configuration: Object.fromEntries(packed.settings.map((setting, place) => [setting, settings[place]]).filter(([, value]) => value !== null)),
  configurationKey: JSON.stringify(settings),
  curves: Object.fromEntries(packed.curves.map((curve, place) => [curve[0], unpackCurve(curves[place], curve, values[EPOCHS_RUN])])),
});
const trials = new Map(Object.entries(packed.trials).map(([trial, parts]) => [trial, unpack(trial, parts)]));

/** Returns a trial's value in a column of the table: of a field, or of a hyperparameter ("hp.<name>"). */
const valueOf = (trial, key) => {
  const value = key.startsWith("hp.") ? trial.configuration[key.slice(3)] : trial[key];
  return value === undefined ? null : value;
};

/** Returns the other trials of the same configuration: other rungs, other seeds. */
const sameConfiguration = (() => {
  const groups = new Map();
  trials.forEach((trial) => groups.set(trial.configurationKey, [...(groups.get(trial.configurationKey) || []), trial.trial]));
  return (trial) => groups.get(trial.configurationKey).filter((other) => other !== trial.trial);
})();

// --- how values are written -----------------------------------------------------------------------------------------
const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(2)}%`);
const count = (value) => (value === null ? "–" : value.toLocaleString("en"));
const loss = (value) => (value === null ? "–" : value.toFixed(4));
const setting = (value) => (value === null ? "–" : value === true ? "yes" : value === false ? "no" : String(value));
const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
const inOneLine = (trial) =>
  [
    `Trial ${trial.trial}`,
    trial.val_accuracy === null ? trial.status : percent(trial.val_accuracy),
    plural(trial.epochs, "epoch"),
    plural(trial.parameters, "parameter"),
  ].join(", ");

// --- what is chosen, pointed at and shown -----------------------------------------------------------------------------
const state = { chosen: "", pointed: "", shown: null };
/** chosen, pointed: a trial's name, or "". shown: a Set of names, or null without a filter. */
const listeners = { chosen: [], pointed: [], shown: [] };
const when = (what, act) => listeners[what].push(act);
const tell = (what, value) => {
  const before = state[what];
  if (before === value) return;
  state[what] = value;
  listeners[what].forEach((act) => act(value, before));
};
const isShown = (name) => !state.shown || state.shown.has(name);
