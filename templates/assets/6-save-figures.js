// Saving a figure: as SVG with its colours, or as PNG at twice its size. Buttons are at each figure, and in a list at the page's end for keyboards.
const PNG_SCALE = 2;
const OF_THE_READER = ".lifted, .brushes, .brush-area, .grip, .moved-cap";

/** Removes hidden parts: training lengths that are not chosen, hidden axes. Both trees have the same elements. */
const removeUnseen = (element, copy) => {
  const children = [...element.children];
  [...copy.children].forEach((child, place) => {
    if (getComputedStyle(children[place]).display === "none") child.remove();
    else removeUnseen(children[place], child);
  });
};
/** Returns a figure as an SVG file's text, in the page's colours and on its background. */
const svgText = (svg) => {
  const { width, height } = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true);
  removeUnseen(svg, copy);
  all(OF_THE_READER, copy).forEach((one) => one.remove());
  all("[data-trial]", copy).forEach((one) => ["tabindex", "role", "aria-pressed", "aria-label", "class", "opacity"].forEach((name) => one.removeAttribute(name)));
  const look = getComputedStyle(document.documentElement);
  const colour = (whole, name) => look.getPropertyValue(name).trim() || whole;
  all("[style]", copy).forEach((one) => one.setAttribute("style", one.getAttribute("style").replace(/var\((--[\w-]+)\)/g, colour)));
  Object.entries({ width, height, style: `color: ${look.getPropertyValue("--ink")}`, "font-family": "sans-serif" }).forEach(([name, value]) => copy.setAttribute(name, value));
  copy.prepend(makeSvg("rect", { width, height, fill: look.getPropertyValue("--paper").trim() }));
  return new XMLSerializer().serializeToString(copy);
};
const pngOf = async (svg) => {
  const { width, height } = svg.viewBox.baseVal;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg))}`;
  await image.decode();
  const canvas = make("canvas", { width: PNG_SCALE * width, height: PNG_SCALE * height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => { canvas.toBlob(done, "image/png"); });
};
const saveFigure = async (svg, kind) => {
  const blob = kind === "svg" ? new Blob([svgText(svg)], { type: "image/svg+xml" }) : await pngOf(svg);
  const link = make("a", { href: URL.createObjectURL(blob), download: `${svg.dataset.figure}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

const savable = all("main figure").filter((figure) => figure.querySelector("figcaption") && figure.querySelector("svg.figure"));
savable.forEach((figure) => {
  const svg = figure.querySelector("svg.figure");
  const button = (kind) => make("button", { type: "button", tabindex: "-1", "aria-hidden": "true", title: `Save as ${kind.toUpperCase()}`, click: () => saveFigure(svg, kind) }, kind.toUpperCase());
  figure.querySelector("figcaption").append(make("span", { class: "save" }, button("svg"), button("png")));
});
if (savable.length) {
  const name = (figure) => figure.querySelector("figcaption").firstChild.textContent.trim();
  const list = make("select", { "aria-label": "Figure" }, ...savable.map((figure, place) => make("option", { value: place }, name(figure))));
  const button = (kind) => make("button", { type: "button", click: () => saveFigure(savable[list.value].querySelector("svg.figure"), kind) }, kind.toUpperCase());
  document.querySelector("footer").prepend(make("p", { class: "tools save-list" }, make("label", {}, "Save a figure ", list), button("svg"), button("png")));
}
