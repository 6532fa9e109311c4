// The address remembers what the reader chose, filtered and sorted: #trial=0018&parameters=2000..6000&sort=-val_loss.
// An address without "=" is a place on the page; where both are wanted, "at" is the place.
const addressParts = [];
/** {write(): pairs of texts, read(params)}: what a part of the page keeps in the address, and takes from it. */
const keepInAddress = (part) => addressParts.push(part);
let placeInAddress = "";

/** Unfolds what an address leads to. */
const reveal = (id) => {
  const element = id && document.getElementById(id);
  const fold = element && (element.querySelector(":scope > details.fold") || element.closest("details"));
  if (fold) fold.open = true;
  return element;
};
const addressParams = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
const writeAddress = () => {
  const pairs = addressParts.flatMap((part) => part.write());
  const place = placeInAddress ? [["at", placeInAddress]] : [];
  const plain = placeInAddress ? `#${placeInAddress}` : "";
  const hash = pairs.length ? `#${new URLSearchParams([...pairs, ...place])}` : plain;
  if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
};
const readAddress = () => {
  const params = addressParams();
  if (![...params].length) {
    placeInAddress = decodeURIComponent(location.hash.slice(1));
    reveal(placeInAddress);
    // A reader who goes to a section keeps the trial, the filter and the order.
    return writeAddress();
  }
  addressParts.forEach((part) => part.read(params));
  if (!params.get("at")) return undefined;
  placeInAddress = params.get("at");
  return reveal(placeInAddress)?.scrollIntoView();
};
/** The same address again leads there again, though it does not change. */
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) reveal(link.hash.slice(1));
});
addEventListener("hashchange", readAddress);
