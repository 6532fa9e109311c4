// The foot of the page: that a filter is on, the chosen trial in one line, and its own panel with curves and all values.
const foot = document.getElementById("foot");
const filterBar = make("p", { class: "filter", hidden: true });
const chosenBar = make("div", { class: "bar-of-chosen", hidden: true });
const panel = make("div", { class: "panel", id: "panel", role: "region", "aria-label": "The chosen trial", tabindex: "-1", hidden: true });
foot.append(filterBar, chosenBar, panel);
let panelIsOpen = false;

when("shown", (shown) => {
  filterBar.hidden = !shown;
  if (shown) {
    filterBar.replaceChildren(
      make("span", {}, make("b", {}, "A filter is on: "), `${count(shown.size)} of ${plural(trials.size, "trial")} `, make("small", {}, "in this table and in every figure; medians and bands are of all trials")),
      make("button", { type: "button", click: () => clearFilters() }, "Clear the filter"),
    );
  }
  showFoot();
});

// --- the chosen trial in one line -------------------------------------------------------------------------------------
const viewsOf = (name) => [...new Set((places.get(name) || []).map((element) => element.closest("section")).filter(Boolean))];
const goTo = (section, name) => (event) => {
  event.preventDefault();
  const element = all(`[data-trial="${CSS.escape(name)}"]`, section).find((one) => one.getClientRects().length) || section;
  (element.closest("figure") || element).scrollIntoView({ block: element === section ? "start" : "center" });
};
const viewLinks = (name) =>
  viewsOf(name).map((section) => {
    const words = document.querySelector(`.contents a[href="#${section.id}"]`);
    return make("a", { href: `#${section.id}`, click: goTo(section, name) }, words ? words.textContent : section.id);
  });
const facts = (trial) =>
  [
    `${trial.phase}${trial.status === "failed" ? ", failed" : ""}`,
    plural(trial.epochs, "epoch"),
    trial.val_accuracy === null ? "" : `${percent(trial.val_accuracy)} validation`,
    trial.val_loss === null ? "" : `loss ${loss(trial.val_loss)}`,
    plural(trial.parameters, "parameter"),
  ].filter(Boolean);
const closeButton = () => make("button", { type: "button", class: "close", click: letGo }, "Let go");
const barOf = (trial) => {
  const toggle = make("button", { type: "button", "aria-expanded": String(panelIsOpen), "aria-controls": "panel", click: () => setPanel(!panelIsOpen) }, "Curves and all values");
  const status = make("span", { class: "headline" }, make("b", {}, `Trial ${trial.trial}`), ...facts(trial).map((fact) => make("span", {}, fact)));
  return [status, toggle, make("nav", { "aria-label": `Trial ${trial.trial} on this page` }, ...viewLinks(trial.trial)), closeButton()];
};

// --- its panel --------------------------------------------------------------------------------------------------------
/** The run's folder where the page lies in it, as a shell wants it; else a word that stands for it. */
const runFolder = () => {
  const found = location.protocol === "file:" && /^(.*)\/report\.html$/.exec(decodeURIComponent(location.pathname));
  return found ? found[1].replace(/^\/(?=[A-Za-z]:)/, "") : "RUN";
};
const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
const commandOf = (trial) => `mnist-tune train ${shellWord(`${runFolder()}:${trial.trial}`)} --seeds 1 --epochs ${Math.ceil(trial.epochs)}`;

const NAMES = {
  status: "Status", error: "Error", phase: "Phase", bracket: "Bracket", rung: "Rung", repetition: "Repetition", epochs: "Epochs planned", epochs_run: "Epochs run",
  seed: "Seed", parameters: "Parameters", multiply_adds: "Multiply-adds", val_accuracy: "Validation accuracy", val_loss: "Validation loss",
  train_accuracy: "Training accuracy", epoch_98: "98% at epoch", epoch_99: "99% at epoch", duration_s: "Time, s", worker: "Worker",
  origin: "Drawn",
};
const WRITERS = { val_accuracy: percent, train_accuracy: percent, val_loss: loss, parameters: count, multiply_adds: count };
const factList = (pairs) => make("dl", { class: "facts" }, ...pairs.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
/** A pass over a share of the images counts as that share. */
const ran = (trial) => ({ ...trial, epochs_run: trial.epochs_run * Math.min(1, trial.epochs) });
const measured = (trial) =>
  packed.fields.filter((field) => trial[field] !== null).map((field) => [NAMES[field] || field, (WRITERS[field] || setting)(ran(trial)[field])]);
const configured = (trial) => packed.settings.filter((name) => name in trial.configuration).map((name) => [name, setting(trial.configuration[name])]);
const kinLinks = (trial) => {
  const others = sameConfiguration(trial);
  if (!others.length) return [];
  const links = others.flatMap((name, place) => {
    const other = trials.get(name);
    const words = `${name} (${plural(other.epochs, "epoch")}, ${other.val_accuracy === null ? other.status : percent(other.val_accuracy)})`;
    return [place ? ", " : " ", make("a", { href: `#trial=${name}` }, words)];
  });
  return [make("p", {}, "The same configuration:", ...links)];
};
const commandBox = (trial) => {
  const said = make("span", { role: "status" });
  const copy = async () => { said.textContent = (await copyText(commandOf(trial))) ? "Copied" : "The browser did not let this page copy"; };
  return make(
    "div",
    { class: "again" },
    trial.phase === "refit" ? "Train its configuration again, without the validation images: " : "Train it again: ",
    make("code", {}, commandOf(trial)),
    " ",
    make("button", { type: "button", click: copy }, "Copy"),
    " ",
    said,
    runFolder() === "RUN" ? " (RUN: the run's folder)" : "",
  );
};
const panelOf = (trial) => {
  const curves = curvesOf(trial);
  const drawn = curves.length ? make("div", { class: "curves" }, ...curves) : make("p", {}, "This trial has no curve: no epoch of it ended with a value.");
  const note = trial.thinned ? [make("p", { class: "small" }, "The curves are drawn from some of the epochs, evenly spaced; trials.jsonl has all.")] : [];
  return [
    make("div", { class: "first" }, drawn, make("div", { class: "beside-curves" }, commandBox(trial), ...kinLinks(trial), ...note)),
    make("h3", {}, "Measured"),
    factList(measured(trial)),
    make("h3", {}, "Configuration"),
    factList(configured(trial)),
  ];
};

// --- both ---------------------------------------------------------------------------------------------------------------
const setPanel = (open) => {
  const trial = trials.get(state.chosen);
  panelIsOpen = open;
  panel.hidden = !open || !trial;
  panel.replaceChildren(...(panel.hidden ? [] : panelOf(trial)));
  all("[aria-controls=panel]", chosenBar).forEach((toggle) => toggle.setAttribute("aria-expanded", String(open)));
  showFoot();
};
const openPanel = (enter) => {
  setPanel(true);
  if (enter) panel.focus();
};
const showFoot = () => {
  foot.hidden = filterBar.hidden && chosenBar.hidden;
};
when("chosen", (name) => {
  const trial = trials.get(name);
  const hadFocus = foot.contains(document.activeElement);
  chosenBar.hidden = !name;
  chosenBar.replaceChildren(...(trial ? barOf(trial) : [make("span", {}, `This page has no trial ${name}. `), closeButton()]));
  setPanel(panelIsOpen && Boolean(name));
  panel.scrollTop = 0;
  if (hadFocus && !panel.hidden) panel.focus();
});
// What has the focus or was scrolled to must not lie under the foot.
new ResizeObserver(() => document.documentElement.style.setProperty("--foot", `${foot.offsetHeight}px`)).observe(foot);
