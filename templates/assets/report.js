// The page's script: tables that sort and filter, one chosen trial everywhere, the place in the contents, reloading.
// The page is complete without it.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse(document.getElementById("page-data").textContent);
  document.documentElement.classList.add("js");

  // --- tables -----------------------------------------------------------------------------------------------------
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const given = cell.dataset.sort;
    const text = given === undefined ? cell.textContent.trim() : given;
    const number = given === undefined && column !== 0 ? NaN : Number(text);
    return text === "" || text === "–" ? null : Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  const sortBy = (table, column, up) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return up ? compare(a, b) : compare(b, a);
    });
    body.append(...rows.map(([, row]) => row));
    all("thead th", table).forEach((th, place) => {
      if (place === column) th.setAttribute("aria-sort", up ? "ascending" : "descending");
      else th.removeAttribute("aria-sort");
    });
  };
  all("table.sortable").forEach((table) => {
    all("thead th", table).forEach((th, column) => {
      const label = th.querySelector(".label");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label.textContent;
      label.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = th.classList.contains("n") && !th.hasAttribute("aria-sort");
        sortBy(table, column, down ? false : th.getAttribute("aria-sort") !== "ascending");
      });
    });
  });
  all(".tools").forEach((tools) => {
    const table = document.getElementById(tools.dataset.for);
    const label = document.createElement("label");
    const input = document.createElement("input");
    const shown = document.createElement("span");
    input.type = "search";
    input.placeholder = "adam one-cycle 64";
    label.append("Filter by words ", input);
    shown.setAttribute("role", "status");
    tools.append(label, shown);
    const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach(([row, text]) => {
        row.hidden = !words.every((word) => text.includes(word));
        count += !row.hidden;
      });
      shown.textContent = `${count} of ${rows.length} trials`;
    };
    input.addEventListener("input", filter);
    filter();
    if (table.querySelector("th.extra")) {
      const more = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => table.classList.toggle("hide-extra", !box.checked));
      more.append(box, " hyperparameters");
      tools.append(more);
    }
  });

  // --- the chosen trial -------------------------------------------------------------------------------------------
  const bar = document.getElementById("chosen");
  const named = () => (/^#trial=(\d+)$/.exec(location.hash) || [])[1];
  const word = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const show = () => {
    all(".chosen[data-trial]").forEach((element) => element.classList.remove("chosen"));
    const name = named();
    const trial = name && data.trials[name];
    bar.hidden = !trial;
    if (!trial) return;
    const marked = all(`[data-trial="${name}"]`);
    marked.forEach((element) => element.classList.add("chosen"));
    const parts = [word("b", `Trial ${name}`), word("span", `${trial.phase}, ${trial.epochs} epochs, ${trial.status}`)];
    if (trial.val_accuracy !== null) parts.push(word("span", `${(100 * trial.val_accuracy).toFixed(2)}% validation`));
    if (trial.val_loss !== null) parts.push(word("span", `loss ${trial.val_loss.toFixed(4)}`));
    parts.push(word("span", `${trial.parameters.toLocaleString("en")} parameters`), word("span", `seed ${trial.seed}`));
    if (trial.error) parts.push(word("span", trial.error));
    const sections = [...new Set(marked.map((element) => element.closest("section")).filter(Boolean))];
    sections.forEach((section) => {
      const link = word("a", document.querySelector(`.contents a[href="#${section.id}"]`).textContent);
      link.href = `#${section.id}`;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        section.scrollIntoView();
      });
      parts.push(link);
    });
    const close = word("button", "close");
    close.type = "button";
    close.addEventListener("click", clear);
    const settings = Object.entries(trial.configuration).map(([key, value]) => `${key} ${value}`).join(" · ");
    bar.replaceChildren(...parts, close, Object.assign(word("span", settings), { className: "settings" }));
  };
  const clear = () => {
    history.replaceState(null, "", location.pathname + location.search);
    show();
  };
  const choose = (name) => {
    history.replaceState(null, "", name === named() ? location.pathname + location.search : `#trial=${name}`);
    show();
  };
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-trial]");
    if (mark && !event.target.closest("a, button") && !String(getSelection())) choose(mark.dataset.trial);
  });
  all("tr[data-trial]").forEach((row) => {
    row.tabIndex = 0;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && named()) clear();
    if (event.key === "Enter" && event.target.matches("tr[data-trial]")) choose(event.target.dataset.trial);
  });
  addEventListener("hashchange", show);
  show();

  // --- the contents list ------------------------------------------------------------------------------------------
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const mark = () => {
    const sections = all("main > section");
    const passed = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    const here = passed.length ? passed[passed.length - 1].id : sections[0].id;
    links.forEach((link, id) => (id === here ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
  const contents = document.querySelector(".contents details");
  if (matchMedia("(max-width: 75rem)").matches) contents.open = false;

  // --- a run that is still going ----------------------------------------------------------------------------------
  const wait = Number(document.body.dataset.reloadS || 0);
  if (wait) {
    const key = `mnist-tune scroll ${location.pathname}`;
    try {
      const kept = sessionStorage.getItem(key);
      if (kept !== null) scrollTo(0, Number(kept));
    } catch {
      // A browser that keeps nothing for files: the page starts at its top.
    }
    setTimeout(() => {
      try {
        sessionStorage.setItem(key, String(scrollY));
      } catch {
        // As above.
      }
      location.reload();
    }, 1000 * wait);
  }
})();
