// Marking a trial everywhere: one that is pointed at or chosen in a table or a figure is marked in all of them.
const places = new Map();
all("[data-trial]").forEach((element) => {
  const here = places.get(element.dataset.trial);
  if (here) here.push(element);
  else places.set(element.dataset.trial, [element]);
});
const setClass = (name, word, on) => (places.get(name) || []).forEach((element) => element.classList.toggle(word, on));
const isMark = (element) => element.classList.contains("mark");
const kin = (name) => (trials.has(name) ? sameConfiguration(trials.get(name)) : []);

// --- marking --------------------------------------------------------------------------------------------------------
when("pointed", (name, before) => {
  setClass(before, "pointed", false);
  setClass(name, "pointed", true);
});
when("chosen", (name, before) => {
  setClass(before, "chosen", false);
  kin(before).forEach((other) => setClass(other, "kin", false));
  setClass(name, "chosen", true);
  kin(name).forEach((other) => setClass(other, "kin", true));
  lift(name);
});
when("shown", () => {
  document.documentElement.classList.toggle("filtering", Boolean(state.shown));
  places.forEach((elements, name) => {
    const out = !isShown(name);
    elements.forEach((element) => element.classList.toggle("out", out));
  });
});

/** Draws a chosen mark once more, above its neighbours: SVG paints in the order of its elements. */
const lift = (name) => {
  all("svg .lifted").forEach((copy) => copy.remove());
  (places.get(name) || []).filter(isMark).forEach((element) => {
    const copy = element.cloneNode(true);
    ["data-trial", "id", "tabindex", "role", "aria-label", "aria-pressed"].forEach((attribute) => copy.removeAttribute(attribute));
    copy.classList.add("lifted");
    copy.setAttribute("aria-hidden", "true");
    element.parentNode.append(copy);
  });
};

// --- keyboard: one tab stop a figure or table, arrow keys within it ---------------------------------------------------
const stops = new Map();
const ringOf = (element) => element.closest("svg.figure, tbody");
const isThere = (element) => element.getClientRects().length > 0 && !element.classList.contains("out");
const setStop = (element) => {
  const ring = ringOf(element);
  const before = stops.get(ring);
  if (before && before !== element) before.setAttribute("tabindex", "-1");
  stops.set(ring, element);
  element.setAttribute("tabindex", "0");
  if (!isMark(element)) return;
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", inOneLine(trials.get(element.dataset.trial)));
  element.setAttribute("aria-pressed", String(element.dataset.trial === state.chosen));
};
const nameOf = (item) => item.dataset.trial || item.closest("tr").dataset.trial;

/** Returns a figure's marks, one a trial: the point where a trial has a line and a point. */
const marksIn = (svg) => {
  const found = new Map();
  all(".mark[data-trial]", svg).forEach((element) => {
    if (trials.has(element.dataset.trial) && (!found.has(element.dataset.trial) || element.localName === "circle")) {
      found.set(element.dataset.trial, element);
    }
  });
  return [...found.values()];
};
const itemsIn = (ring) => (ring.localName === "svg" ? marksIn(ring) : all("button.pick", ring));
const isItemThere = (item) => isThere(isMark(item) ? item : item.closest("tr"));

const middle = (element, across) => {
  const box = element.getBoundingClientRect();
  return across ? box.left + box.width / 2 : box.top + box.height / 2;
};
/** Returns the item beside this one: the next row in a table; in a figure the next mark to the side, or up or down. */
const neighbour = (ring, from, key) => {
  const items = itemsIn(ring).filter((item) => item === from || isItemThere(item));
  if (ring.localName !== "svg") {
    const at = items.indexOf(from);
    return { ArrowDown: items[at + 1], ArrowUp: items[at - 1], Home: items[0], End: items[items.length - 1] }[key];
  }
  const across = key !== "ArrowUp" && key !== "ArrowDown";
  const ordered = items.map((item, place) => [middle(item, across), place, item]).sort(([a, i], [b, k]) => a - b || i - k);
  const at = ordered.findIndex(([, , item]) => item === from);
  const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: ordered.length - 1 }[key];
  return ordered[next] && ordered[next][2];
};

all("tr[data-trial]").forEach((row) => {
  if (!trials.has(row.dataset.trial)) return;
  const head = row.cells[0];
  const button = make("button", { type: "button", class: "pick", tabindex: "-1", "aria-pressed": "false" }, head.firstChild);
  head.prepend(button);
});
all("svg.figure").forEach((svg) => {
  const first = svg.querySelector(".mark[data-trial]");
  if (!first) return;
  svg.setAttribute("role", "group");
  svg.closest("figure")?.classList.add("of-trials");
  svg.setAttribute("aria-describedby", "marks-hint");
  all("[id*='matplotlib.axis']", svg).forEach((axis) => axis.setAttribute("aria-hidden", "true"));
});
const rings = all("svg.figure, tbody").filter((ring) => itemsIn(ring).length);

/** Sets where Tab enters a figure: the chosen trial, else the last tab stop, else the first mark; none if no mark is visible. */
const placeStops = () =>
  rings.forEach((ring) => {
    const items = itemsIn(ring).filter(isItemThere);
    const now = stops.get(ring);
    const wanted = items.find((item) => nameOf(item) === state.chosen) || (items.includes(now) ? now : items[0]);
    if (wanted) return setStop(wanted);
    if (now) now.setAttribute("tabindex", "-1");
    return stops.delete(ring);
  });
when("shown", placeStops);
// A radio button beside a figure may show other marks.
document.addEventListener("change", (event) => event.target.type === "radio" && placeStops());
when("chosen", (name, before) => {
  placeStops();
  [before, name].forEach((one) =>
    (places.get(one) || []).forEach((element) => {
      const item = isMark(element) ? element : element.querySelector("button.pick");
      if (item && item.hasAttribute("aria-pressed")) item.setAttribute("aria-pressed", String(one === name));
    }),
  );
});

// --- pointing -------------------------------------------------------------------------------------------------------
const tip = make("div", { class: "tip", "aria-hidden": "true", hidden: true });
document.body.append(tip);
const showTip = (name, x, y) => {
  tip.textContent = inOneLine(trials.get(name));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(x + 12, document.documentElement.clientWidth - width - 8))}px`;
  tip.style.top = `${y - height - 12 < 8 ? y + 16 : y - height - 12}px`;
};
const point = (element, x, y) => {
  const known = element && trials.has(element.dataset.trial) && !element.classList.contains("out");
  tell("pointed", known ? element.dataset.trial : "");
  if (known && isMark(element)) showTip(element.dataset.trial, x, y);
  else tip.hidden = true;
};
document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch") point(event.target.closest("[data-trial]"), event.clientX, event.clientY);
});
document.documentElement.addEventListener("pointerleave", () => point(null));
document.addEventListener("focusin", (event) => {
  const element = event.target.closest("[data-trial]");
  if (!element) return point(null);
  const box = element.getBoundingClientRect();
  return point(element, box.left + box.width / 2, box.top);
});
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true, capture: true });

// --- choosing ---------------------------------------------------------------------------------------------------------
let cameFrom = null;
const choose = (name) => {
  if (name) cameFrom = document.activeElement;
  tell("chosen", name);
  writeAddress();
};
const letGo = () => {
  const back = cameFrom && cameFrom.isConnected && document.getElementById("foot").contains(document.activeElement) ? cameFrom : null;
  choose("");
  if (back) back.focus();
};
keepInAddress({
  write: () => (state.chosen ? [["trial", state.chosen]] : []),
  read: (params) => params.get("trial") && tell("chosen", params.get("trial")),
});

/** A finger is wider than a mark: a tap beside marks chooses the nearest one within reach. */
const TOUCH_REACH_PX = 22;
const nearestMark = ({ target, clientX, clientY, pointerType }) => {
  if (pointerType !== "touch" || !target.matches("svg.figure")) return null;
  const near = marksIn(target)
    .filter(isThere)
    .map((mark) => [Math.hypot(middle(mark, true) - clientX, middle(mark, false) - clientY), mark])
    .filter(([distance, mark]) => mark.localName !== "path" && distance <= TOUCH_REACH_PX)
    .sort(([a], [b]) => a - b);
  return near.length ? near[0][1] : null;
};
document.addEventListener("click", (event) => {
  const element = event.target.closest("[data-trial]") || nearestMark(event);
  const control = event.target.closest("a, button, input, label, summary");
  if (!element || (control && !control.classList.contains("pick"))) return;
  const byKeyboard = event.detail === 0;
  if (!byKeyboard && String(getSelection())) return;
  pick(element, byKeyboard);
});
const pick = (element, byKeyboard) => {
  const again = element.dataset.trial === state.chosen;
  if (again && !byKeyboard) return choose("");
  if (again) return openPanel(true);
  choose(element.dataset.trial);
  if (element.closest("#trials-table")) openPanel(false);
  return undefined;
};
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape" && !(event.target.localName === "input" && event.target.value)) {
    point(null);
    if (state.chosen) letGo();
  }
  const item = event.target;
  if (!item.closest || !(isMark(item) || item.classList.contains("pick"))) return;
  if (isMark(item) && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    pick(item, true);
  }
  const next = neighbour(ringOf(item), item, event.key);
  if (next) {
    event.preventDefault();
    setStop(next);
    next.focus({ preventScroll: isMark(next) });
    if (isMark(next)) next.closest("svg").scrollIntoView({ block: "nearest" });
  }
});
