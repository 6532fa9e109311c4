// Sorting of tables by a click on a column's name. The table of trials sorts by the trials' values, other tables by their cells' texts.
const cellKey = (row, column) => {
  const cell = row.cells[column];
  const given = cell.dataset.sort;
  const text = given === undefined ? cell.textContent.trim() : given;
  const number = given === undefined && column !== 0 ? NaN : Number(text);
  return text === "" || text === "–" ? null : Number.isNaN(number) ? text : number;
};
const rowKey = (row, column, key) => {
  const trial = key && key !== "trial" && trials.get(row.dataset.trial);
  return trial ? valueOf(trial, key) : cellKey(row, column);
};
const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

const sortTable = (table, column, up) => {
  const heads = all("thead th", table);
  const rows = [...table.tBodies[0].rows].map((row) => [rowKey(row, column, heads[column].dataset.key), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return up ? compare(a, b) : compare(b, a);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
  heads.forEach((th, place) => {
    if (place === column) th.setAttribute("aria-sort", up ? "ascending" : "descending");
    else th.removeAttribute("aria-sort");
  });
};

/** Moves the focus within a table's head by arrow keys: the head is a single tab stop. */
const walkHeads = (buttons) => (event) => {
  const there = buttons.filter((button) => button.getClientRects().length);
  const at = there.indexOf(event.target);
  const next = { ArrowRight: there[at + 1], ArrowLeft: there[at - 1], Home: there[0], End: there[there.length - 1] }[event.key];
  if (at < 0 || !next || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  buttons.forEach((button) => button.setAttribute("tabindex", button === next ? "0" : "-1"));
  next.focus();
};
all("table.sortable").forEach((table) => {
  const buttons = all("thead th", table).map((th, column) => {
    const label = th.querySelector(".label");
    const click = () => {
      const down = th.classList.contains("n") && !th.hasAttribute("aria-sort");
      sortTable(table, column, down ? false : th.getAttribute("aria-sort") !== "ascending");
      writeAddress();
    };
    // Chromium omits buttons when it repeats a table's head on paper: there the style sheet prints the label.
    label.dataset.label = label.textContent;
    const button = make("button", { type: "button", tabindex: column ? "-1" : "0", click }, label.textContent);
    label.replaceChildren(button);
    return button;
  });
  table.tHead.addEventListener("keydown", walkHeads(buttons));
});

/** The table's order in the address: "val_loss" is ascending, "-val_loss" descending. */
const trialsTable = document.getElementById("trials-table");
if (trialsTable) {
  const heads = all("thead th", trialsTable);
  keepInAddress({
    write: () => heads.filter((th) => th.hasAttribute("aria-sort")).map((th) => ["sort", `${th.getAttribute("aria-sort") === "descending" ? "-" : ""}${th.dataset.key}`]),
    read: (params) => {
      const key = params.get("sort") || "";
      const column = heads.findIndex((th) => th.dataset.key === key.replace(/^-/, ""));
      if (key && column >= 0) sortTable(trialsTable, column, !key.startsWith("-"));
    },
  });
}
