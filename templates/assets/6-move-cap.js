// The movable cap: the best of the longest trials within it, and commands that confirm that trial or search within the cap.
const capData = packed.cap || null;
const capBox = document.querySelector(".move-cap");

/** Returns a step of 1, 2 or 5 times a power of ten, at least 1, so that about `most` steps span a range. */
const niceStep = (span, most) => {
  const least = Math.max(1, span / most);
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((digit) => digit * power >= least);
};
const largestSize = (measure) => Math.max(measure.cap || 0, measure.steps[measure.steps.length - 1].size);
const capRange = (measure) => {
  const step = niceStep(largestSize(measure) - measure.steps[0].size, 100);
  // The slider starts one step below the smallest trial, where no trial fits.
  return { step, low: Math.max(0, (Math.floor(measure.steps[0].size / step) - 1) * step), high: Math.ceil(largestSize(measure) / step) * step };
};
/** Returns the front's largest trial within the cap; undefined if none fits. */
const stepUnder = (measure, cap) => measure.steps.filter(({ size }) => size <= cap).pop();

// --- in the figure ----------------------------------------------------------------------------------------------------
const capPlace = ([low, high, log, left, right], value) => {
  const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return left + Math.min(1, Math.max(0, share)) * (right - left);
};
const clearCap = () => {
  all(".moved-cap").forEach((line) => line.remove());
  all(".beyond-cap, .under-cap").forEach((mark) => mark.classList.remove("beyond-cap", "under-cap"));
};
const drawCap = (measure, cap, best) => {
  const svg = document.querySelector(`svg[data-figure="${measure.figure}"]`);
  if (!svg) return;
  const x = capPlace(measure.axis, cap);
  const bottom = svg.viewBox.baseVal.height - 44;
  svg.append(makeSvg("path", { class: "moved-cap", d: `M ${x} 40 V ${bottom}`, "aria-hidden": "true" }));
  marksIn(svg).forEach((mark) => {
    mark.classList.toggle("beyond-cap", trials.get(mark.dataset.trial)[measure.key] > cap);
    mark.classList.toggle("under-cap", Boolean(best) && mark.dataset.trial === best.trial);
  });
};

// --- in words ---------------------------------------------------------------------------------------------------------
const capCommand = (purpose, command) =>
  make("div", {}, make("dt", {}, purpose), make("dd", {}, make("code", {}, command), " ", ...copyControls(() => command, purpose)));
const capCommands = (measure, cap, best) => {
  const found = [];
  if (best && !best.confirmed) {
    found.push(capCommand("Confirm it", commandOf(trials.get(best.trial), capData.seeds)));
  }
  if (measure.search && cap < largestSize(measure)) found.push(capCommand("Search below it", `${measure.search} ${cap}`));
  return found;
};
const capAnswer = (measure, cap, best) => {
  if (!best) {
    const first = measure.steps[0];
    return [`No trial of ${measure.epochs} has ${count(cap)} ${measure.noun} or fewer. The smallest, trial ${first.trial}, has ${count(first.size)}.`];
  }
  const trial = make("button", { type: "button", class: "link", click: () => choose(best.trial) }, `Trial ${best.trial}`);
  const parts = [
    ` with ${count(best.size)} ${measure.noun}: ${best.score} of ${capData.validation} validation images, one seed.`,
    best.cost ? ` ${best.cost}.` : " No smaller trial is as accurate, and no larger one more so.",
    best.confirmed ? ` Its configuration is confirmed: ${best.confirmed}.` : "",
  ];
  return [trial, ...parts];
};

// --- the controls -----------------------------------------------------------------------------------------------------
const buildCap = () => {
  const answer = make("p", { class: "cap-answer", role: "status" });
  const commands = make("dl", { class: "next" });
  const range = make("input", { type: "range", input: () => setCap(Number(range.value)) });
  const exact = make("input", { type: "number", min: 0, "aria-label": "cap", input: () => exact.value !== "" && setCap(Number(exact.value)) });
  const unit = make("span", {});
  const caps = new Map(capData.measures.map((measure) => [measure.key, largestSize(measure)]));
  let measure = capData.measures[0];
  const setCap = (cap) => {
    caps.set(measure.key, cap);
    const best = stepUnder(measure, cap);
    if (document.activeElement !== exact) exact.value = cap;
    range.value = cap;
    range.setAttribute("aria-valuetext", `${count(cap)} ${measure.noun}`);
    answer.replaceChildren(...capAnswer(measure, cap, best));
    commands.replaceChildren(...capCommands(measure, cap, best));
    clearCap();
    if (cap < largestSize(measure)) drawCap(measure, cap, best);
  };
  const setMeasure = (chosen) => {
    measure = chosen;
    const { low, high, step } = capRange(measure);
    Object.entries({ min: low, max: high, step, "aria-label": `Cap on ${measure.noun}` }).forEach(([name, value]) => range.setAttribute(name, value));
    exact.setAttribute("step", step);
    unit.textContent = measure.noun;
    setCap(caps.get(measure.key));
  };
  const pick = (one) =>
    make("label", {}, make("input", { type: "radio", name: "cap-measure", checked: one === measure, change: () => setMeasure(one) }), ` ${one.noun}`);
  const which = capData.measures.length > 1 ? [make("fieldset", {}, make("legend", {}, "Cap on"), ...capData.measures.map(pick))] : [];
  capBox.append(make("h3", {}, "Move the cap: the best trial under it"), ...which, make("div", { class: "cap-slider" }, range, make("label", {}, "at most ", exact, " ", unit)), answer, commands);
  capBox.hidden = false;
  setMeasure(measure);
};
if (capData && capBox) buildCap();
