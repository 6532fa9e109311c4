// Filters of the trials: by text, by range, by choice. All figures follow them.
const tools = document.querySelector(".tools");
const filterTable = tools && document.getElementById(tools.dataset.for);
const columns = filterTable
  ? all("thead th", filterTable).map((th, place) => ({
      place,
      key: th.dataset.key,
      label: th.querySelector(".label").textContent,
      unit: (th.querySelector(".unit") || { textContent: "" }).textContent,
      extra: th.classList.contains("extra"),
      more: "more" in th.dataset,
    }))
  : [];
let clearFilters = () => {};
/** Sets filters from other parts of the page: a column's key → {low, high}, or a list of values; null removes the filter. */
let setFilters = () => {};
/** Returns a column's filter: {low, high}, a list of values, or null while it is off; undefined if the column has none. */
let getFilter = () => undefined;

/** Returns the different values of a column, without null (an inactive setting). */
const distinct = (key) => [...new Set([...trials.values()].map((trial) => valueOf(trial, key)))].filter((value) => value !== null);

const MOST_CHOICES = 12;
const COMMON = ["val_accuracy", "parameters", "epochs", "phase"];
const MOST_COMMON = 6;
const title = ({ label, unit }) => (unit ? `${label}, ${unit}` : label);
const percentages = ({ unit }) => unit === "%";
/** Rounds a value as the table shows it, so that limits copied from the table hold. */
const asShown = (column, value) => (percentages(column) ? Number((100 * value).toFixed(2)) : value);

// --- a range, with a histogram over it ------------------------------------------------------------------------------------
const BINS = 24;
const histogram = (values) => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const log = low > 0 && high / low > 30;
  const place = scaled(log ? Math.log(low) : low, log ? Math.log(high) : high, 0, BINS);
  const bins = Array.from({ length: BINS }, () => []);
  values.forEach((value) => bins[Math.min(BINS - 1, Math.floor(place(log ? Math.log(value) : value)))].push(value));
  const most = Math.max(...bins.map((bin) => bin.length));
  const bars = bins.map((bin, at) => {
    const height = bin.length ? Math.max(2, (20 * bin.length) / most) : 0;
    return makeSvg("rect", { x: at * 6, y: 20 - height, width: 5, height });
  });
  const mark = (from, to) => bars.forEach((bar, at) => bar.classList.toggle("off", !bins[at].some((value) => value >= from && value <= to)));
  return { element: makeSvg("svg", { viewBox: `0 0 ${BINS * 6} 20`, class: "histogram", "aria-hidden": "true", preserveAspectRatio: "none" }, ...bars), mark };
};

/** Makes a range filter: its element, a test of a trial (null while nothing is set), and its texts for the address. */
const rangeFilter = (column, changed) => {
  const shown = [...trials.values()].map((trial) => valueOf(trial, column.key)).filter((value) => value !== null).map((value) => asShown(column, value));
  const input = (word, limit) =>
    make("input", { type: "number", step: "any", name: `${column.key} ${word}`, "aria-label": `${title(column)}, ${word}`, placeholder: String(Number(limit.toPrecision(6))), input: changed });
  const [low, high] = [input("at least", Math.min(...shown)), input("at most", Math.max(...shown))];
  const bars = histogram(shown);
  const limits = () => [low.value === "" ? -Infinity : Number(low.value), high.value === "" ? Infinity : Number(high.value)];
  const test = () => {
    const [from, to] = limits();
    bars.mark(from, to);
    if (low.value === "" && high.value === "") return null;
    return (trial) => {
      const value = valueOf(trial, column.key);
      return value !== null && asShown(column, value) >= from && asShown(column, value) <= to;
    };
  };
  const set = (wanted) => {
    low.value = wanted?.low ?? "";
    high.value = wanted?.high ?? "";
  };
  return {
    key: column.key,
    element: make("fieldset", { class: "range" }, make("legend", {}, title(column)), bars.element, low, " – ", high),
    test,
    set,
    get: () => (test() ? { low: limits()[0], high: limits()[1] } : null),
    write: () => (low.value === "" && high.value === "" ? [] : [`${low.value}..${high.value}`]),
    read: ([text]) => {
      const [from, to] = text.split("..");
      set({ low: from, high: to });
    },
  };
};
const choiceFilter = (column, values, changed) => {
  const boxes = values.sort(compare).map((value) => {
    const box = make("input", { type: "checkbox", checked: true, name: `${column.key} ${value}`, change: changed });
    return { value, box, label: make("label", {}, box, ` ${setting(value)}`) };
  });
  const everything = () => boxes.every(({ box }) => box.checked);
  const chosen = () => boxes.filter(({ box }) => box.checked).map(({ value }) => value);
  const test = () => {
    if (everything()) return null;
    const wanted = new Set(chosen());
    return (trial) => wanted.has(valueOf(trial, column.key));
  };
  const set = (wanted) => boxes.forEach(({ value, box }) => { box.checked = !wanted || wanted.includes(value); });
  return {
    key: column.key,
    element: make("fieldset", {}, make("legend", {}, title(column)), ...boxes.map(({ label }) => label)),
    test,
    set,
    get: () => (everything() ? null : chosen()),
    write: () => (everything() ? [] : chosen().length ? chosen().map(String) : [""]),
    read: (texts) => boxes.forEach(({ value, box }) => { box.checked = texts.includes(String(value)); }),
  };
};
const valueFilter = (column, changed) => {
  const values = distinct(column.key);
  if (column.key === "trial" || values.length < 2) return null;
  if (values.every((value) => typeof value === "number")) return rangeFilter(column, changed);
  return values.length <= MOST_CHOICES ? choiceFilter(column, values, changed) : null;
};
const textFilter = (input, rows) => {
  const texts = new Map(rows.map((row) => [row.dataset.trial, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase()]));
  return () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length ? (trial) => words.every((word) => texts.get(trial.trial).includes(word)) : null;
  };
};

// --- all of them ----------------------------------------------------------------------------------------------------------
/** Sorts filters: the common ones first, then hyperparameters in the table's order, then other fields. */
const ranked = (fields) => {
  const rank = ({ key }) => (COMMON.includes(key) ? COMMON.indexOf(key) : key.startsWith("hp.") ? COMMON.length : COMMON.length + 1);
  return fields.map((field, place) => [rank(field), place, field]).sort(([a, i], [b, k]) => a - b || i - k).map(([, , field]) => field);
};
const buildFilters = () => {
  const rows = [...filterTable.tBodies[0].rows];
  const input = make("input", { type: "search", name: "words", placeholder: "adam one-cycle 64" });
  const shown = make("span", { role: "status", class: "count" });
  const caption = filterTable.caption;
  const everything = caption.textContent;
  let waiting = 0;
  const changed = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      apply();
      writeAddress();
    });
  };
  const fields = ranked(columns.map((column) => valueFilter(column, changed)).filter(Boolean));
  const tests = [textFilter(input, rows), ...fields.map(({ test }) => test)];
  const clear = make("button", { type: "button", hidden: true, click: () => clearFilters() }, "Clear the filter");
  const summary = make("summary", {}, "Filter by values");
  const group = (members) => make("div", { class: "fields" }, ...members.map(({ element }) => element));
  const [common, others] = [fields.slice(0, MOST_COMMON), fields.slice(MOST_COMMON)];
  const more = others.length ? [make("details", { class: "more" }, make("summary", {}, `${plural(others.length, "more filter")}…`), group(others))] : [];
  const details = make("details", {}, summary, group(common), ...more);
  const apply = () => {
    const on = tests.map((test) => test()).filter(Boolean);
    const kept = [...trials.values()].filter((trial) => on.every((test) => test(trial))).map(({ trial }) => trial);
    tell("shown", on.length ? new Set(kept) : null);
    rows.forEach((row) => { row.hidden = !isShown(row.dataset.trial); });
    shown.textContent = `${count(kept.length)} of ${plural(trials.size, "trial")}`;
    caption.textContent = on.length ? `${shown.textContent}: a filter is on.` : everything;
    const byValue = on.length - (input.value.trim() ? 1 : 0);
    summary.textContent = byValue ? `Filter by values (${byValue} on)` : "Filter by values";
    clear.hidden = !on.length;
  };
  clearFilters = () => {
    const inTools = tools.contains(document.activeElement);
    input.value = "";
    fields.forEach((field) => field.set(null));
    apply();
    writeAddress();
    if (inTools) input.focus();
  };
  setFilters = (wanted) => {
    fields.filter(({ key }) => key in wanted).forEach((field) => field.set(wanted[field.key]));
    apply();
    writeAddress();
  };
  getFilter = (key) => fields.find((field) => field.key === key)?.get();
  keepInAddress({
    write: () => [...(input.value.trim() ? [["words", input.value]] : []), ...fields.flatMap((field) => field.write().map((text) => [field.key, text]))],
    read: (params) => {
      if (!params.has("words") && !fields.some(({ key }) => params.has(key))) return;
      input.value = params.get("words") || "";
      fields.forEach((field) => (params.has(field.key) ? field.read(params.getAll(field.key)) : field.set(null)));
      apply();
    },
  });
  input.addEventListener("input", changed);
  return { row: [make("label", {}, "Filter by words ", input), shown, clear], details, apply };
};

// --- a note where a filter hides all marks of a figure ------------------------------------------------------------------------
/** Returns whether a mark belongs to the chosen training length; other lengths are hidden. */
const inShownLength = (mark) => {
  const length = mark.closest(".length");
  const chosen = length?.closest(".slices").querySelector("input[type=radio]:checked");
  return !length || !chosen || length.classList.contains(chosen.className.replace("pick", "length"));
};
const sayWhatIsEmpty = () =>
  all("figure.of-trials").forEach((figure) => {
    const said = figure.querySelector(".none-passes");
    const empty = state.shown && !all("svg .mark[data-trial]:not(.out)", figure).some(inShownLength);
    if (!empty && said) said.remove();
    if (!empty || said) return;
    const clear = make("button", { type: "button", click: () => clearFilters() }, "Clear the filter");
    figure.querySelector("figcaption").after(make("p", { class: "none-passes" }, "No trial of this figure passes the filter. ", clear));
  });
when("shown", sayWhatIsEmpty);
document.addEventListener("change", (event) => event.target.type === "radio" && sayWhatIsEmpty());
