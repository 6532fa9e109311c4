// The place in the contents, scrollable regions, printing, and the reload of a running run's page. Starts the page.

// --- the contents list ------------------------------------------------------------------------------------------------
const contentsLinks = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
const sections = all("main > section");
const markPlace = () => {
  // A section is current once its top is near the window's top; at the page's end the last visible one is, or short sections never were.
  const atEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const passed = scrollY < 8 ? [] : sections.filter((section) => section.getBoundingClientRect().top < (atEnd ? innerHeight : 112));
  const here = (passed[passed.length - 1] || sections[0] || {}).id;
  contentsLinks.forEach((link, id) => {
    if (id !== here) return link.removeAttribute("aria-current");
    if (link.hasAttribute("aria-current")) return undefined;
    link.setAttribute("aria-current", "true");
    // In a narrow window, scroll the bar to the section's name, not the page.
    const bar = link.closest("ol");
    return bar.scrollTo({ left: link.offsetLeft - bar.clientWidth / 2 + link.offsetWidth / 2 });
  });
};
addEventListener("scroll", markPlace, { passive: true });

// --- only scrollable regions are tab stops --------------------------------------------------------------------------------
const regions = all(".scroll[tabindex], main pre");
const placeRegions = () =>
  regions
    .map((region) => [region, region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1])
    .forEach(([region, scrolls]) => {
      // A figure with marks contains a tab stop already.
      if (scrolls && !stops.has(region.querySelector("svg.figure"))) region.setAttribute("tabindex", "0");
      else region.removeAttribute("tabindex");
    });
/** Fades the right edge of a table that continues there. */
const fade = (region) => region.classList.toggle("goes-on", region.scrollLeft + region.clientWidth < region.scrollWidth - 1);
const tables = regions.filter((region) => region.querySelector("table"));
tables.forEach((region) => region.addEventListener("scroll", () => fade(region), { passive: true }));
new ResizeObserver(() => {
  placeRegions();
  tables.forEach(fade);
}).observe(document.querySelector("main"));

// --- nothing is folded on paper -----------------------------------------------------------------------------------------
addEventListener("beforeprint", () => all("main details:not([open]):not(.tools details, .tools)").forEach((details) => {
  details.open = true;
  details.dataset.folded = "";
}));
addEventListener("afterprint", () => all("details[data-folded]").forEach((details) => {
  details.open = false;
  delete details.dataset.folded;
}));

// --- a run that is still running ----------------------------------------------------------------------------------------
const RELOAD_S = Number(document.body.dataset.reloadS || 0);
const memory = {
  key: `mnist-tune ${location.pathname}`,
  // Some browsers have no storage for local files: the page then starts at its top.
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
      // No storage: nothing is kept.
    }
  },
};

placeStops();
placeRegions();
markPlace();
readAddress();
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
