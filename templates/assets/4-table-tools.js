// Other tools of the table of trials: hiding columns, and copying the table.

// --- columns --------------------------------------------------------------------------------------------------------
const hiddenColumns = new Set();
const columnSheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, columnSheet];
const hideColumns = () => {
  const cells = [...hiddenColumns].map((place) => `#${filterTable.id} tr > :nth-child(${place + 1})`);
  columnSheet.replaceSync(cells.length ? `${cells.join(", ")} { display: none; }` : "");
  // The table's head keeps a visible tab stop.
  const stop = filterTable.tHead.querySelector('button[tabindex="0"]');
  if (!hiddenColumns.has(stop.closest("th").cellIndex)) return;
  stop.setAttribute("tabindex", "-1");
  filterTable.tHead.querySelector("button").setAttribute("tabindex", "0");
};
const buildColumns = () => {
  const boxes = columns.slice(1).map((column) => {
    // A setting with one value does not distinguish trials: hide its column.
    const constant = column.extra && trials.size > 1 && new Set([...trials.values()].map((trial) => valueOf(trial, column.key))).size === 1;
    const box = make("input", { type: "checkbox", checked: !constant && !column.more, name: `column ${column.key}`, change: () => apply() });
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
/** Returns the visible rows and columns in the table's order, with names and units as in trials.csv. */
const shownTable = () => {
  const keys = columns.filter(({ place }) => !hiddenColumns.has(place)).map(({ key }) => key);
  const rows = [...filterTable.tBodies[0].rows].filter((row) => !row.hidden).map((row) => trials.get(row.dataset.trial));
  return { keys, rows: rows.map((trial) => keys.map((key) => valueOf(trial, key))) };
};
/** Puts an apostrophe before a text that a spreadsheet would read as a formula, as in trials.csv; numbers stay numbers. */
const unformulated = (text) => (/^[=+\-@\t\r\n＝＋－＠]/.test(text) && !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? `'${text}` : text);
const quoted = (value) => {
  const text = value === null ? "" : typeof value === "string" ? unformulated(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const asCsv = ({ keys, rows }) => [keys, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
const asJson = ({ keys, rows }) => `${JSON.stringify(rows.map((row) => Object.fromEntries(row.map((value, place) => [keys[place], value]))), null, 1)}\n`;

/** Copies a text. A page from a disk may have no clipboard, or no permission to use it. */
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
/** Makes a button that copies a text, and the element that reports the result. */
const copyControls = (text, what) => {
  const said = make("span", { role: "status" });
  const click = async () => { said.textContent = (await copyText(text())) ? "Copied" : "The browser did not let this page copy"; };
  return [make("button", { type: "button", "aria-label": `Copy: ${what}`, click }, "Copy"), " ", said];
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
/** Keeps the reader's filters and columns when the page reloads itself. */
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
