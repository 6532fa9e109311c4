// The drawer of the chosen trial: its curves and values beside those of the winner, or of the trials that the reader pinned.
const MOST_PINNED = 2;
let pinned = [];
const setPinned = (name, on) => {
  pinned = on ? [...pinned.filter((other) => other !== name), name].slice(-MOST_PINNED) : pinned.filter((other) => other !== name);
  showChosen();
  chosenBar.querySelector(".pin")?.focus();
  writeAddress();
};
keepInAddress({
  write: () => pinned.map((name) => ["pin", name]),
  read: (params) => {
    if (!params.has("pin")) return;
    pinned = params.getAll("pin").filter((name) => trials.has(name)).slice(-MOST_PINNED);
    if (state.chosen) showChosen();
  },
});

// --- the compared trials ------------------------------------------------------------------------------------------------
const best = packed.best && trials.has(packed.best.trial) ? packed.best : null;
const roleOf = (name) => (best && best.trial === name ? best.role : "");
/** Returns the trials beside the chosen one: the pinned ones, else the winner. */
const besides = (trial) => {
  const others = pinned.filter((name) => name !== trial.trial);
  const chosen = others.length || pinned.includes(trial.trial) || !best ? others : [best.trial];
  return chosen.filter((name) => name !== trial.trial).map((name) => trials.get(name));
};

const NAMES = {
  status: "Status", error: "Error", phase: "Phase", bracket: "Bracket", rung: "Rung", repetition: "Repetition", epochs: "Epochs planned", epochs_run: "Epochs run",
  seed: "Seed", parameters: "Parameters", multiply_adds: "Multiply-adds", ram: "RAM, bytes", flash: "Flash, bytes", val_accuracy: "Validation accuracy",
  val_balanced_accuracy: "Balanced validation accuracy", val_int8_accuracy: "int8 validation accuracy", val_loss: "Validation loss", train_accuracy: "Training accuracy", epoch_98: "98% at epoch",
  epoch_99: "99% at epoch", duration_s: "Time, s", worker: "Worker", origin: "Sampled",
};
const WRITERS = { val_accuracy: percent, val_balanced_accuracy: percent, val_int8_accuracy: percent, train_accuracy: percent, val_loss: loss, parameters: count, multiply_adds: count, ram: count, flash: count };
/** Counts an epoch on a fraction of the images as that fraction. */
const ran = (trial) => ({ ...trial, epochs_run: trial.epochs_run * Math.min(1, trial.epochs) });
const measuredValue = (field) => (trial) => (trial[field] === null ? "–" : (WRITERS[field] || setting)(ran(trial)[field]));
/** Formats a number with four digits, since a column is narrow; trials.csv has all digits. */
const brief = (value) => {
  if (typeof value !== "number" || Number.isInteger(value)) return setting(value);
  return Math.abs(value) < 1e-3 ? value.toExponential(3).replace("-", "−") : String(Number(value.toPrecision(4)));
};
const configuredValue = (name) => (trial) => brief(name in trial.configuration ? trial.configuration[name] : null);
/** Measures come first in the comparison; other fields tell the trial's origin. */
const MEASURES = ["status", "error", "val_accuracy", "val_balanced_accuracy", "val_int8_accuracy", "val_loss", "train_accuracy", "parameters", "multiply_adds", "ram", "flash", "epochs", "epochs_run"];
const fieldRows = (fields) => fields.map((field) => [NAMES[field] || field, measuredValue(field)]);
/** [name, function that formats a trial's value]: measures, hyperparameters, other fields. */
const ROWS = [
  ...fieldRows(MEASURES.filter((field) => packed.fields.includes(field))),
  ...packed.settings.map((name) => [name, configuredValue(name)]),
  ...fieldRows(packed.fields.filter((field) => !MEASURES.includes(field))),
];

const comparison = (caption, rows, columns, heads) =>
  make(
    "table",
    { class: "values" },
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, make("td", {}), ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows.map(([name, texts]) => make("tr", {}, make("th", { scope: "row" }, name), ...texts.map((text) => make("td", {}, text))))),
  );
const headOf = (trial, own) => {
  const role = roleOf(trial.trial) || (own ? "this trial" : "pinned");
  return [make("b", {}, role), make("small", {}, trial.trial)];
};
/** Returns the table of values: differences first, equal values folded. */
const valuesOf = (trial, others) => {
  const columns = [trial, ...others];
  const heads = () => columns.map((one, place) => make("span", {}, ...headOf(one, place === 0)));
  const rows = ROWS.map(([name, write]) => [name, columns.map(write)]).filter(([, texts]) => texts.some((text) => text !== "–"));
  if (!others.length) return [comparison("All values", rows, columns, heads())];
  const differs = ([, texts]) => texts.some((text) => text !== texts[0]);
  const [different, same] = [rows.filter(differs), rows.filter((row) => !differs(row))];
  const sameTable = comparison("The same", same.map(([name, texts]) => [name, texts.slice(0, 1)]), columns, [make("span", {}, make("b", {}, "all"))]);
  return [
    different.length ? comparison(`${plural(different.length, "value")} that ${different.length === 1 ? "differs" : "differ"}`, different, columns, heads()) : make("p", {}, "No value differs."),
    make("details", {}, make("summary", {}, `${plural(same.length, "value")} that ${same.length === 1 ? "is" : "are"} the same`), sameTable),
  ];
};

// --- the drawer -----------------------------------------------------------------------------------------------------------
const kinLinks = (trial) => {
  const others = sameConfiguration(trial);
  if (!others.length) return [];
  const links = others.flatMap((name, place) => {
    const other = trials.get(name);
    const words = `${name} (${plural(other.epochs, "epoch")}, ${other.val_accuracy === null ? other.status : percent(other.val_accuracy)})`;
    return [place ? ", " : " ", make("button", { type: "button", class: "link", click: () => choose(name) }, words)];
  });
  return [make("p", {}, "The same configuration:", ...links)];
};
const commandBox = (trial) =>
  make(
    "div",
    { class: "again" },
    trial.phase === "refit" ? "Train its configuration again, without the validation images: " : "Train it again: ",
    make("code", {}, commandOf(trial)),
    " ",
    ...copyControls(() => commandOf(trial), "train it again"),
    runFolder() === "RUN" ? " (RUN: the run's folder)" : "",
  );
const panelOf = (trial) => {
  const others = besides(trial);
  const curves = curvesOf(trial, others.map((other, place) => [roleOf(other.trial) || other.trial, other, `beside-${place}`]));
  const drawn = curves.length ? make("div", { class: "curves" }, ...curves) : make("p", {}, "This trial has no curve: no epoch of it ended with a value.");
  const thinned = [trial, ...others].some((one) => one.thinned);
  const note = thinned ? [make("p", { class: "small" }, "The curves are drawn from some of the epochs, evenly spaced; trials.jsonl has all.")] : [];
  return [make("div", { class: "first" }, make("div", { class: "beside-curves" }, ...valuesOf(trial, others)), drawn), commandBox(trial), ...kinLinks(trial), ...note];
};
