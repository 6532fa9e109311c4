// Parallel coordinates: dragging along an axis filters the page, axes move and hide by their names, and a button selects the best fifth.
const PARALLEL = { left: 156, right: 608, top: 30, row: 46, reach: 14, spread: 0.36 };
const BEST_SHARE = 0.2;

/** Rounds a filter's limit outwards to three digits, so that its field is readable. */
const rounded = (value, up) => {
  const power = 10 ** (Math.floor(Math.log10(Math.abs(value) || 1)) - 3);
  return Number(((up ? Math.ceil(value / power) : Math.floor(value / power)) * power).toPrecision(6));
};

/** Converts between positions on an axis, 0 to 1, and the values of its column's filter. */
const settingAxis = ({ name, numeric, log, ticks }) => {
  const key = `hp.${name}`;
  const values = ticks.map(([, value]) => value);
  if (numeric) {
    const [low, high] = [values[0], values[values.length - 1]];
    const valueAt = (place) => (log ? low * (high / low) ** place : low + place * (high - low));
    const placeOf = (value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
    return {
      key,
      wanted: (from, to) => ({ low: from <= 0 ? undefined : rounded(valueAt(from), false), high: to >= 1 ? undefined : rounded(valueAt(to), true) }),
      stretches: ({ low: least, high: most }) => [[least <= low ? 0 : placeOf(least), most >= high ? 1 : placeOf(most)]],
    };
  }
  const half = PARALLEL.spread / ticks.length;
  const isNumber = values.every((value) => typeof value === "number");
  const stretch = (place) => [place - half, place + half];
  return {
    key,
    wanted: (from, to) => {
      const kept = ticks.filter(([place]) => place + half >= from && place - half <= to).map(([, value]) => value);
      return isNumber && kept.length ? { low: Math.min(...kept), high: Math.max(...kept) } : kept;
    },
    stretches: (filter) =>
      ticks.filter(([, value]) => (Array.isArray(filter) ? filter.includes(value) : value >= filter.low && value <= filter.high)).map(([place]) => stretch(place)),
  };
};
const scoreAxis = ({ score, limits: [low, high] }) => {
  const valueAt = (place) => 100 * (1 - 10 ** -(low + place * (high - low)));
  const placeOf = (value) => (errorScale(value / 100) - low) / (high - low);
  return {
    key: score,
    wanted: (from, to) => ({ low: from <= 0 ? undefined : Number(valueAt(from).toFixed(2)), high: to >= 1 ? undefined : Number(valueAt(to).toFixed(2)) }),
    stretches: ({ low: least, high: most }) => [[least > 0 ? placeOf(least) : 0, most < 100 ? placeOf(most) : 1]],
  };
};
const within = (share) => Math.min(1, Math.max(0, share));
const placeAt = (x) => (x - PARALLEL.left) / (PARALLEL.right - PARALLEL.left);
const xOf = (place) => PARALLEL.left + within(place) * (PARALLEL.right - PARALLEL.left);

const buildParallel = (svg, data) => {
  const name = svg.dataset.figure;
  const rows = data.axes.length;
  const axes = [...data.axes.map(settingAxis), scoreAxis(data)];
  const titles = data.axes.map((axis) => axis.name);
  const parts = axes.map((_, row) => all(`[id^="${name}-axis-${row}-"]`, svg));
  const fullHeight = svg.viewBox.baseVal.height;
  const lines = all("path.mark[data-trial]", svg).map((path) => {
    const numbers = path.getAttribute("d").match(/-?[\d.]+/g).map(Number);
    return { path, xs: numbers.filter((_, place) => place % 2 === 0) };
  });
  const brushes = makeSvg("g", { class: "brushes", "aria-hidden": "true" });
  const areas = axes.map(() => makeSvg("rect", { class: "brush-area", x: PARALLEL.left - 8, width: PARALLEL.right - PARALLEL.left + 16, height: 2 * PARALLEL.reach }));
  const grips = data.axes.map((axis) => makeSvg("rect", { class: "grip", x: 0, width: PARALLEL.left - 8, height: 2 * PARALLEL.reach }, makeSvg("title", {}, axis.name)));
  svg.prepend(brushes, ...areas, ...grips);
  /** The axes' rows in the order shown, from the top; the score is always last. */
  let order = data.axes.map((_, row) => row);
  const rowsShown = () => [...order, rows];
  const heightOf = (row) => PARALLEL.top + PARALLEL.row * rowsShown().indexOf(row);

  const drawBrushes = () =>
    brushes.replaceChildren(
      ...rowsShown().flatMap((row) => {
        const filter = getFilter(axes[row].key);
        return filter ? axes[row].stretches(filter).map(([from, to]) => makeSvg("rect", { x: xOf(from) - 2, width: Math.max(4, xOf(to) - xOf(from) + 4), y: heightOf(row) - 7, height: 14 })) : [];
      }),
    );
  const place = () => {
    lines.forEach(({ path, xs }) => path.setAttribute("d", `M ${rowsShown().map((row, at) => `${xs[row]} ${PARALLEL.top + PARALLEL.row * at}`).join(" ")}`));
    parts.forEach((elements, row) => {
      const at = rowsShown().indexOf(row);
      elements.forEach((element) => {
        element.style.display = at < 0 ? "none" : "";
        element.setAttribute("transform", `translate(0 ${PARALLEL.row * (at - row)})`);
      });
      [areas[row], grips[row]].filter(Boolean).forEach((area) => {
        area.style.display = at < 0 ? "none" : "";
        area.setAttribute("y", heightOf(row) - PARALLEL.reach);
      });
    });
    svg.setAttribute("viewBox", `0 0 ${svg.viewBox.baseVal.width} ${fullHeight - PARALLEL.row * (rows - order.length)}`);
    drawBrushes();
    lift(state.chosen);
  };
  const move = (row, to) => {
    const others = order.filter((one) => one !== row);
    others.splice(Math.max(0, to), 0, row);
    order = others;
    place();
  };

  // --- by pointer -----------------------------------------------------------------------------------------------------
  const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const rowAt = (y) => rowsShown().find((row) => Math.abs(y - heightOf(row)) <= PARALLEL.reach);
  const follow = (event, moved, done) => {
    const start = at(event);
    let dragged = false;
    const onMove = (later) => {
      const now = at(later);
      dragged = dragged || Math.hypot(now.x - start.x, now.y - start.y) > 4;
      if (dragged) moved(now);
    };
    const onUp = (later) => {
      removeEventListener("pointermove", onMove);
      removeEventListener("pointerup", onUp);
      done(dragged, at(later));
      // A drag that ends on a line must not choose its trial.
      if (dragged) addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
    };
    event.preventDefault();
    addEventListener("pointermove", onMove);
    addEventListener("pointerup", onUp);
  };
  svg.addEventListener("pointerdown", (event) => {
    const start = at(event);
    const row = rowAt(start.y);
    // A finger scrolls the page: on touch screens readers use the filter's fields.
    if (row === undefined || event.button !== 0 || event.pointerType === "touch") return;
    if (start.x < PARALLEL.left - 8) {
      if (row === rows) return;
      follow(event, ({ y }) => {
        const to = Math.round((y - PARALLEL.top) / PARALLEL.row);
        if (to !== order.indexOf(row) && to >= 0 && to < order.length) move(row, to);
      }, () => drawList());
      return;
    }
    if (getFilter(axes[row].key) === undefined) return;
    const draft = makeSvg("rect", { class: "draft", y: heightOf(row) - 7, height: 14 });
    const ends = (x) => [within(placeAt(Math.min(start.x, x))), within(placeAt(Math.max(start.x, x)))];
    follow(event, ({ x }) => {
      const [from, to] = ends(x);
      draft.setAttribute("x", xOf(from));
      draft.setAttribute("width", xOf(to) - xOf(from));
      brushes.append(draft);
    }, (dragged, { x }) => {
      draft.remove();
      if (dragged) setFilters({ [axes[row].key]: axes[row].wanted(...ends(x)) });
      else if (!event.target.closest(".mark")) setFilters({ [axes[row].key]: null });
    });
  });

  // --- by buttons -----------------------------------------------------------------------------------------------------
  const list = make("ol", { class: "axes" });
  const drawList = () => {
    const item = (row) => {
      const here = order.indexOf(row);
      const box = make("input", { type: "checkbox", checked: here >= 0, disabled: here >= 0 && order.length < 2, change: () => setHidden(row, !box.checked) });
      const step = (sign, words, to) =>
        make("button", { type: "button", "aria-label": `Move ${titles[row]} ${words}`, disabled: here < 0 || to < 0 || to >= order.length, click: () => moveByButton(row, words, to) }, sign);
      return make("li", {}, make("label", {}, box, ` ${titles[row]} `), step("↑", "up", here - 1), step("↓", "down", here + 1));
    };
    list.replaceChildren(...order.map(item), ...data.axes.map((_, row) => row).filter((row) => !order.includes(row)).map(item));
  };
  const moveByButton = (row, words, to) => {
    move(row, to);
    drawList();
    const again = all("button", list).find((button) => button.getAttribute("aria-label") === `Move ${titles[row]} ${words}`);
    (again.disabled ? boxOf(row) : again).focus();
  };
  const setHidden = (row, hidden) => {
    order = hidden ? order.filter((one) => one !== row) : [...order, row];
    place();
    drawList();
    boxOf(row)?.focus();
  };
  const boxOf = (row) => all("li label", list).find((label) => label.textContent.trim() === titles[row])?.control;
  const scores = lines.map(({ path }) => valueOf(trials.get(path.dataset.trial), data.score)).sort((a, b) => b - a);
  const least = Math.floor(1e4 * scores[Math.max(0, Math.round(BEST_SHARE * scores.length) - 1)]) / 100;
  const best = { epochs: { low: data.epochs, high: data.epochs }, [data.score]: { low: least } };
  const isBest = () => getFilter(data.score)?.low === least && getFilter(data.score)?.high === Infinity;
  const button = make("button", { type: "button", "aria-pressed": "false", click: () => setFilters(isBest() ? { epochs: null, [data.score]: null } : best) }, `Best ${100 * BEST_SHARE}%`);
  const hint = make("span", { class: "hint" }, "Drag along an axis to filter, click it to clear; drag a name to move it.");
  const bar = make("div", { class: "tools parallel-tools" }, button, hint, make("details", {}, make("summary", {}, "Move and hide axes"), list));
  svg.closest(".scroll").before(bar);
  drawList();
  place();
  when("shown", () => {
    drawBrushes();
    button.setAttribute("aria-pressed", String(Boolean(isBest())));
  });
};
if (filterTable) all('svg[data-figure^="parallel-"]').forEach((svg) => packed.parallel?.[svg.dataset.figure] && buildParallel(svg, packed.parallel[svg.dataset.figure]));
