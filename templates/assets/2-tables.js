// Tables that sort by a click on a column's name. The table of trials sorts by the trials' values, others by their cells.
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

all("table.sortable").forEach((table) => {
  all("thead th", table).forEach((th, column) => {
    const label = th.querySelector(".label");
    const click = () => {
      const down = th.classList.contains("n") && !th.hasAttribute("aria-sort");
      sortTable(table, column, down ? false : th.getAttribute("aria-sort") !== "ascending");
    };
    // Chromium leaves buttons out of the headers that it repeats on paper: there the style sheet writes the label.
    label.dataset.label = label.textContent;
    label.replaceChildren(make("button", { type: "button", click }, label.textContent));
  });
});
