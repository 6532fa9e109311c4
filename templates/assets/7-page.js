// The place in the contents, regions that scroll, printing, and the reload of a run that is still going. Starts the page.

// --- the contents list ------------------------------------------------------------------------------------------------
const contentsLinks = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
const sections = all("main > section");
const markPlace = () => {
  const passed = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
  const here = (passed[passed.length - 1] || sections[0] || {}).id;
  contentsLinks.forEach((link, id) => (id === here ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
};
addEventListener("scroll", markPlace, { passive: true });
const contents = document.querySelector(".contents details");
if (matchMedia("(max-width: 75rem)").matches) contents.open = false;

// --- only what scrolls is a tab stop ------------------------------------------------------------------------------------
const regions = all(".scroll[tabindex]");
const placeRegions = () =>
  regions
    .map((region) => [region, region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1])
    .forEach(([region, scrolls]) => {
      // A figure with marks has a tab stop of its own in it.
      if (scrolls && !stops.has(region.querySelector("svg.figure"))) region.setAttribute("tabindex", "0");
      else region.removeAttribute("tabindex");
    });
new ResizeObserver(placeRegions).observe(document.querySelector("main"));

// --- on paper nothing is folded -----------------------------------------------------------------------------------------
addEventListener("beforeprint", () => all("main details:not([open]):not(.tools details)").forEach((details) => {
  details.open = true;
  details.dataset.folded = "";
}));
addEventListener("afterprint", () => all("details[data-folded]").forEach((details) => {
  details.open = false;
  delete details.dataset.folded;
}));

// --- a run that is still going ------------------------------------------------------------------------------------------
const RELOAD_S = Number(document.body.dataset.reloadS || 0);
const memory = {
  key: `mnist-tune ${location.pathname}`,
  // A browser may keep nothing for files: the page then starts at its top.
  read() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key));
    } catch {
      return null;
    }
  },
  write(kept) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // As above.
    }
  },
};

placeStops();
placeRegions();
markPlace();
followAddress();
if (RELOAD_S) {
  const kept = memory.read();
  if (kept) {
    keptFields.write(kept.fields);
    if (kept.open) setPanel(true);
    scrollTo(0, kept.scroll);
  }
  setTimeout(() => {
    memory.write({ scroll: scrollY, fields: keptFields.read(), open: panelIsOpen });
    location.reload();
  }, 1000 * RELOAD_S);
}
