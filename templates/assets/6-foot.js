// The foot of the page: the active filters, the chosen trial in one line, and the button of its drawer.
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
  reveal(section.id);
  const element = all(`[data-trial="${CSS.escape(name)}"]`, section).find((one) => one.getClientRects().length && one.checkVisibility()) || section;
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
const closeButton = () => make("button", { type: "button", class: "close", click: letGo }, "Close");
const barOf = (trial) => {
  const toggle = make("button", { type: "button", "aria-expanded": String(panelIsOpen), "aria-controls": "panel", click: () => setPanel(!panelIsOpen) }, "Curves and all values");
  const status = make("span", { class: "headline" }, make("b", {}, `Trial ${trial.trial}`), ...facts(trial).map((fact) => make("span", {}, fact)));
  const isPinned = pinned.includes(trial.trial);
  const pin = make("button", { type: "button", class: "pin", "aria-pressed": String(isPinned), click: () => setPinned(trial.trial, !isPinned) }, isPinned ? "Pinned" : "Pin to compare");
  return [status, toggle, pin, make("nav", { "aria-label": `Trial ${trial.trial} on this page` }, ...viewLinks(trial.trial)), closeButton()];
};

// --- its command ------------------------------------------------------------------------------------------------------
/** Returns the run's folder if the page is in it, for the shell; else a placeholder. */
const runFolder = () => {
  const found = location.protocol === "file:" && /^(.*)\/report\.html$/.exec(decodeURIComponent(location.pathname));
  return found ? found[1].replace(/^\/(?=[A-Za-z]:)/, "") : "RUN";
};
const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
const commandOf = (trial, seeds = 1) => `mnist-tune train ${shellWord(`${runFolder()}:${trial.trial}`)} --seeds ${seeds} --epochs ${Math.ceil(trial.epochs)}`;

// --- filter and chosen trial --------------------------------------------------------------------------------------------
/** Acts, and scrolls so that the reader's place stays in view: opening the drawer narrows the page. */
const keepInView = (name, act) => {
  const topOf = (element) => element.getBoundingClientRect().top;
  const seen = (places.get(name) || []).find((element) => element.getClientRects().length && topOf(element) >= 0 && topOf(element) < innerHeight);
  const before = seen && topOf(seen);
  act();
  if (seen) scrollBy({ top: topOf(seen) - before, behavior: "instant" });
};
const setPanel = (open) => {
  const trial = trials.get(state.chosen);
  panelIsOpen = open;
  const hidden = !open || !trial;
  if (hidden !== panel.hidden) keepInView(state.chosen, () => { panel.hidden = hidden; });
  panel.replaceChildren(...(hidden ? [] : panelOf(trial)));
  all("[aria-controls=panel]", chosenBar).forEach((toggle) => toggle.setAttribute("aria-expanded", String(open)));
  showFoot();
};
const showChosen = () => {
  const trial = trials.get(state.chosen);
  chosenBar.hidden = !state.chosen;
  chosenBar.replaceChildren(...(trial ? barOf(trial) : [make("span", {}, `This page has no trial ${state.chosen}. `), closeButton()]));
  setPanel(panelIsOpen && Boolean(state.chosen));
};
const openPanel = (enter) => {
  setPanel(true);
  if (enter) panel.focus();
};
const showFoot = () => {
  foot.hidden = filterBar.hidden && chosenBar.hidden;
};
when("chosen", () => {
  const hadFocus = foot.contains(document.activeElement);
  showChosen();
  panel.scrollTop = 0;
  if (hadFocus && !panel.hidden) panel.focus();
});
// The foot must not cover the focused element or the target of a link.
new ResizeObserver(() => document.documentElement.style.setProperty("--foot", `${foot.offsetHeight}px`)).observe(foot);
