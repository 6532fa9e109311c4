// The tools of the table of trials: filters that every figure follows, columns that hide, and a copy for elsewhere.
const tools = document.querySelector(".tools");
const filterTable = tools && document.getElementById(tools.dataset.for);
const columns = filterTable
  ? all("thead th", filterTable).map((th, place) => ({
      place,
      key: th.dataset.key,
      label: th.querySelector(".label").textContent,
      unit: (th.querySelector(".unit") || { textContent: "" }).textContent,
      extra: th.classList.contains("extra"),
    }))
  : [];
let clearFilters = () => {};

/** The different values of a column; null (a setting that is not active) is none. */
const distinct = (key) => [...new Set([...trials.values()].map((trial) => valueOf(trial, key)))].filter((value) => value !== null);

// --- filters --------------------------------------------------------------------------------------------------------
const MOST_CHOICES = 12;
const percentages = ({ unit }) => unit === "%";
/** As the table shows it, so that a limit that was read off the table holds. */
const asShown = (column, value) => (percentages(column) ? Number((100 * value).toFixed(2)) : value);

/** A test of a trial, null while the reader has set nothing. */
const rangeFilter = (column, values, changed) => {
  const shown = values.map((value) => asShown(column, value));
  const input = (word, limit) =>
    make("input", { type: "number", step: "any", name: `${column.key} ${word}`, "aria-label": word, placeholder: String(limit), input: changed });
  const [low, high] = [input("at least", Math.min(...shown)), input("at most", Math.max(...shown))];
  const element = make("fieldset", {}, make("legend", {}, title(column)), low, " – ", high);
  const test = () => {
    if (low.value === "" && high.value === "") return null;
    const [from, to] = [low.value === "" ? -Infinity : Number(low.value), high.value === "" ? Infinity : Number(high.value)];
    return (trial) => {
      const value = valueOf(trial, column.key);
      return value !== null && asShown(column, value) >= from && asShown(column, value) <= to;
    };
  };
  return { element, test };
};
const choiceFilter = (column, values, changed) => {
  const boxes = values.sort(compare).map((value) => {
    const box = make("input", { type: "checkbox", checked: true, name: `${column.key} ${value}`, change: changed });
    return { value, box, label: make("label", {}, box, ` ${setting(value)}`) };
  });
  const element = make("fieldset", {}, make("legend", {}, title(column)), ...boxes.map(({ label }) => label));
  const test = () => {
    if (boxes.every(({ box }) => box.checked)) return null;
    const wanted = new Set(boxes.filter(({ box }) => box.checked).map(({ value }) => value));
    return (trial) => wanted.has(valueOf(trial, column.key));
  };
  return { element, test };
};
const title = ({ label, unit }) => (unit ? `${label}, ${unit}` : label);
const valueFilter = (column, changed) => {
  const values = distinct(column.key);
  if (column.key === "trial" || values.length < 2) return null;
  if (values.every((value) => typeof value === "number")) return rangeFilter(column, values, changed);
  return values.length <= MOST_CHOICES ? choiceFilter(column, values, changed) : null;
};
const textFilter = (input, rows) => {
  const texts = new Map(rows.map((row) => [row.dataset.trial, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase()]));
  return () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length ? (trial) => words.every((word) => texts.get(trial.trial).includes(word)) : null;
  };
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
    waiting = requestAnimationFrame(apply);
  };
  const fields = columns.map((column) => valueFilter(column, changed)).filter(Boolean);
  const tests = [textFilter(input, rows), ...fields.map(({ test }) => test)];
  const clear = make("button", { type: "button", hidden: true, click: () => clearFilters() }, "Clear the filter");
  const summary = make("summary", {}, "Filter by values");
  const details = make("details", {}, summary, make("div", { class: "fields" }, ...fields.map(({ element }) => element)));
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
    all("input[type=search], input[type=number]", tools).forEach((field) => { field.value = ""; });
    all(".fields input[type=checkbox]", tools).forEach((box) => { box.checked = true; });
    apply();
    input.focus();
  };
  input.addEventListener("input", changed);
  return { row: [make("label", {}, "Filter by words ", input), shown, clear], details, apply };
};

// --- columns --------------------------------------------------------------------------------------------------------
const hiddenColumns = new Set();
const columnSheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, columnSheet];
const hideColumns = () => {
  const cells = [...hiddenColumns].map((place) => `#${filterTable.id} tr > :nth-child(${place + 1})`);
  columnSheet.replaceSync(cells.length ? `${cells.join(", ")} { display: none; }` : "");
};
const buildColumns = () => {
  const boxes = columns.slice(1).map((column) => {
    // A setting that is the same in all trials tells them not apart.
    const constant = column.extra && trials.size > 1 && new Set([...trials.values()].map((trial) => valueOf(trial, column.key))).size === 1;
    const box = make("input", { type: "checkbox", checked: !constant, name: `column ${column.key}`, change: () => apply() });
    return { column, box, label: make("label", {}, box, ` ${column.label}`) };
  });
  const extras = boxes.filter(({ column }) => column.extra);
  const setExtras = () => {
    extras.forEach(({ box }) => { box.checked = together.checked; });
    apply();
  };
  const together = make("input", { type: "checkbox", name: "columns of hyperparameters", change: setExtras });
  const apply = () => {
    hiddenColumns.clear();
    boxes.filter(({ box }) => !box.checked).forEach(({ column }) => hiddenColumns.add(column.place));
    hideColumns();
    together.checked = extras.some(({ box }) => box.checked);
    together.indeterminate = together.checked && extras.some(({ box }) => !box.checked);
  };
  const group = (name, members, ...first) => make("fieldset", {}, make("legend", {}, name), ...first, ...members.map(({ label }) => label));
  const details = make(
    "details",
    {},
    make("summary", {}, "Columns"),
    group("Measured", boxes.filter(({ column }) => !column.extra)),
    extras.length ? group("Hyperparameters", extras, make("label", {}, together, make("b", {}, " all"))) : "",
  );
  return { details, apply };
};

// --- copying --------------------------------------------------------------------------------------------------------
/** The rows and columns that are shown, in the table's order; names and units as in trials.csv. */
const shownTable = () => {
  const keys = columns.filter(({ place }) => !hiddenColumns.has(place)).map(({ key }) => key);
  const rows = [...filterTable.tBodies[0].rows].filter((row) => !row.hidden).map((row) => trials.get(row.dataset.trial));
  return { keys, rows: rows.map((trial) => keys.map((key) => valueOf(trial, key))) };
};
/** As in trials.csv: a text that a spreadsheet would take for a formula stands behind an apostrophe; numbers stay numbers. */
const unformulated = (text) => (/^[=+\-@\t\r\n＝＋－＠]/.test(text) && !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? `'${text}` : text);
const quoted = (value) => {
  const text = value === null ? "" : typeof value === "string" ? unformulated(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const asCsv = ({ keys, rows }) => [keys, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
const asJson = ({ keys, rows }) => `${JSON.stringify(rows.map((row) => Object.fromEntries(row.map((value, place) => [keys[place], value]))), null, 1)}\n`;

/** A page that was opened from a disk may have no clipboard of its own, or not be allowed to use it. */
const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = document.activeElement;
    const area = make("textarea", { class: "copied", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (focused) focused.focus();
    return done;
  }
};
const buildCopies = () => {
  const said = make("span", { role: "status", class: "said" });
  const button = (word, write) =>
    make("button", {
      type: "button",
      click: async () => {
        const table = shownTable();
        const done = await copyText(write(table));
        said.textContent = done ? `Copied ${plural(table.rows.length, "trial")}` : "The browser did not let this page copy";
      },
    }, `Copy as ${word}`);
  return [button("CSV", asCsv), button("JSON", asJson), said];
};

if (filterTable) {
  const filters = buildFilters();
  const shownColumns = buildColumns();
  tools.append(...filters.row, ...buildCopies(), filters.details, shownColumns.details);
  shownColumns.apply();
  filters.apply();
}
/** A page that loads itself again keeps what the reader has set. */
const keptFields = {
  read: () => Object.fromEntries(all(".tools input[name]").map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value])),
  write: (kept) => {
    all(".tools input[name]").forEach((field) => {
      if (!(field.name in kept)) return;
      if (field.type === "checkbox") field.checked = kept[field.name];
      else field.value = kept[field.name];
      if (!field.name.startsWith("columns ")) field.dispatchEvent(new Event(field.type === "checkbox" ? "change" : "input"));
    });
  },
};
