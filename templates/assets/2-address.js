// The address keeps the reader's choice, filters and order: #trial=0018&parameters=2000..6000&sort=-val_loss.
// An address without "=" is an anchor on the page. An address with values has the anchor as "at".
const addressParts = [];
/** Adds a part of the page that the address keeps: write() returns pairs of texts, read(params) restores the part. */
const keepInAddress = (part) => addressParts.push(part);
let placeInAddress = "";

/** Unfolds the section with an id, and returns it. */
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
    // Going to a section keeps the trial, the filters and the order.
    return writeAddress();
  }
  addressParts.forEach((part) => part.read(params));
  if (!params.get("at")) return undefined;
  placeInAddress = params.get("at");
  return reveal(placeInAddress)?.scrollIntoView();
};
/** A click on a link to the present address causes no hashchange, but must unfold its section too. */
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) reveal(link.hash.slice(1));
});
addEventListener("hashchange", readAddress);
