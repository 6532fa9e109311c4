// The foot of the page: that a filter is on, the chosen trial in one line, and whether its drawer is open.
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
/** The run's folder where the page lies in it, as a shell wants it; else a word that stands for it. */
const runFolder = () => {
  const found = location.protocol === "file:" && /^(.*)\/report\.html$/.exec(decodeURIComponent(location.pathname));
  return found ? found[1].replace(/^\/(?=[A-Za-z]:)/, "") : "RUN";
};
const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
const commandOf = (trial, seeds = 1) => `mnist-tune train ${shellWord(`${runFolder()}:${trial.trial}`)} --seeds ${seeds} --epochs ${Math.ceil(trial.epochs)}`;

// --- both ---------------------------------------------------------------------------------------------------------------
/** The drawer takes room from the page: what the reader looks at stays where it is. */
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
// What has the focus or was scrolled to must not lie under the foot.
new ResizeObserver(() => document.documentElement.style.setProperty("--foot", `${foot.offsetHeight}px`)).observe(foot);
