// The section "Try it": a pad to draw on, the prediction as it changes, the evidence for a class, the maps of each layer. Also the evidence of each error.
const tryIt = (section) => {
  const data = packed.network;
  const network = unpackNetwork(data);
  const { shape } = network.layers[0];
  const at = (name) => section.querySelector(`.try-${name}`);
  const [pad, bars, status] = ["pad", "bars", "status"].map(at);
  const ink = pad.getContext("2d", { willReadFrequently: true });
  const SIDE = pad.width;
  const LONGEST_SIDE = 1600;

  // --- drawing maps and evidence --------------------------------------------------------------------------------------
  const colour = (name) => {
    const sample = document.createElement("canvas").getContext("2d");
    sample.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
    return [1, 3, 5].map((place) => parseInt(sample.fillStyle.slice(place, place + 2), 16));
  };
  const paint = (canvas, width, height, pixel) => {
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let place = 0; place < width * height; place += 1) image.data.set(pixel(place % width, Math.floor(place / width)), 4 * place);
    context.putImageData(image, 0, 0);
  };
  const pixelAt = (pixels, x, y) => [0, 1, 2].map((c) => pixels[(y * shape[1] + x) * shape[2] + (c % shape[2])]);
  const paintImage = (canvas, pixels) => paint(canvas, shape[1], shape[0], (x, y) => [...pixelAt(pixels, x, y), 255]);
  /** Paints the image faintly, under the evidence for a class (blue) and against it (vermilion). `most`: the strongest evidence. */
  const paintEvidence = (canvas, pixels, evidence, most) => {
    const paper = colour("--paper");
    const zoom = Math.max(1, Math.round(168 / Math.max(...shape)));
    paint(canvas, shape[1] * zoom, shape[0] * zoom, (x, y) => {
      const light = pixelAt(pixels, Math.floor(x / zoom), Math.floor(y / zoom)).reduce((one, other) => one + other) / 3;
      const value = evidenceAt(evidence, (y + 0.5) / zoom - 0.5, (x + 0.5) / zoom - 0.5);
      const strength = Math.min(0.9, Math.abs(value) / most);
      return [...[0, 1, 2].map((c) => (1 - strength) * (0.65 * paper[c] + 0.35 * light) + strength * (value > 0 ? [0, 114, 178] : [213, 94, 0])[c]), 255];
    });
  };
  /** Returns the largest absolute value; a map may have more values than a function accepts arguments. */
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  const strongest = (...found) => largest(found.map(({ values }) => largest(values)));
  /** Returns the colour of the covering patch: black where digits are bright on black, else the picture's mean colour. */
  const cover = (pixels) => [0, 1, 2].map((c) => (data.digits ? 0 : sum(pixels.filter((_, place) => place % shape[2] === c)) / (shape[0] * shape[1])));
  /** Calls `done` with the evidence for classes: at once if it is exact, else in idle time, unless `isOld` says that it is out of date. */
  const findEvidence = (pixels, maps, names, done, isOld = () => false) => {
    if (network.linear) return done(names.map((name) => exactEvidence(network, maps, name)));
    const run = occlusion(network, pixels, names, cover(pixels));
    const go = () => {
      if (isOld()) return;
      const end = performance.now() + 12;
      let next = run.next();
      while (!next.done && performance.now() < end) next = run.next();
      if (next.done) done(next.value);
      else setTimeout(go);
    };
    return go();
  };
  const shown = network.layers.map((layer, place) => ({ layer, place })).filter(({ layer: { kind, name, shape: [height] }, place }) => height > 1 && kind !== "reshape" && kind !== "scale" && (network.layers[place + 1] || {}).name !== name);
  /** Paints the maps of each layer side by side: larger values are darker, negative ones vermilion. */
  const paintMaps = (maps) => {
    const strong = colour("--ink");
    shown.forEach(({ layer: { shape: [height, width, channels] }, place }, row) => {
      const cell = at("maps").children[row].lastChild;
      const canvas = cell.firstChild;
      const side = Math.max(height, width);
      const zoom = side > 24 ? Math.min(1, 40 / side) : Math.floor(32 / side);
      const columns = Math.max(1, Math.min(channels, Math.floor(cell.clientWidth / ((width + 1) * zoom + 4))));
      const { values } = maps[place];
      const most = largest(values);
      paint(canvas, columns * (width + 1) - 1, Math.ceil(channels / columns) * (height + 1) - 1, (x, y) => {
        const channel = Math.floor(y / (height + 1)) * columns + Math.floor(x / (width + 1));
        if (channel >= channels || x % (width + 1) === width || y % (height + 1) === height) return [0, 0, 0, 0];
        const value = values[((y % (height + 1)) * width + (x % (width + 1))) * channels + channel] / most;
        return [...(value < 0 ? [213, 94, 0] : strong), 16 + 239 * Math.abs(value)];
      });
      canvas.style.width = `${canvas.width * zoom}px`;
    });
  };

  // --- the prediction -------------------------------------------------------------------------------------------------
  const rows = data.classes.slice(0, 10).map(() => {
    const parts = { name: make("span"), bar: make("i"), share: make("span", { class: "n" }) };
    const button = make("button", { type: "button", "aria-pressed": "false", click: () => { state.wanted = parts.at; explain(); } }, parts.name, make("span", {}, parts.bar), parts.share);
    bars.append(make("li", {}, button));
    return { button, ...parts, parts };
  });
  shown.forEach(({ layer: { name, shape: sides } }) => at("maps").append(make("div", { class: "maps" }, make("span", {}, make("b", {}, name), " ", make("small", {}, sides.join("×"))), make("div", {}, make("canvas", { role: "img", "aria-label": `${sides[2]} maps of ${name}` })))));
  const state = { pixels: null, maps: null, wanted: null, turn: 0 };

  const explain = () => {
    const likely = [...state.maps[state.maps.length - 1].values];
    const best = likely.indexOf(Math.max(...likely));
    const name = state.wanted ?? best;
    const order = data.classes.map((_, k) => k);
    if (order.length > rows.length) order.sort((one, other) => likely[other] - likely[one]);
    rows.forEach(({ button, name: label, bar, share, parts }, place) => {
      const k = (parts.at = order[place]);
      label.textContent = data.classes[k];
      share.textContent = (100 * likely[k]).toFixed(1);
      bar.style.width = `${100 * likely[k]}%`;
      button.classList.toggle("best", k === best);
      button.setAttribute("aria-pressed", String(k === name));
    });
    const turn = (state.turn += 1);
    findEvidence(state.pixels, state.maps, [name], ([evidence]) => {
      paintEvidence(at("evidence"), state.pixels, evidence, strongest(evidence));
      at("for").textContent = data.classes[name];
    }, () => turn !== state.turn);
    return `${data.classes[best]}, ${(100 * likely[best]).toFixed(1)}%`;
  };
  const show = ({ pixels, why }) => {
    status.textContent = why;
    section.classList.toggle("empty", !pixels);
    if (!pixels) return;
    Object.assign(state, { pixels, maps: mapsOf(network, pixels) });
    paintImage(at("seen"), pixels);
    const answer = explain();
    status.textContent = [answer, why].filter(Boolean).join(" · ");
    if (at("layers").open) paintMaps(state.maps);
  };

  // --- drawing --------------------------------------------------------------------------------------------------------
  const paper = data.dark ? "#000" : "#fff";
  /** The part of the pad that is read, unless there is a picture, of which the pad shows only a copy. */
  let region = null;
  let picture = null;
  let waiting = false;
  const clear = () => {
    region = [0, 0, SIDE, SIDE];
    picture = null;
    pad.classList.remove("photo");
    Object.assign(ink, { fillStyle: paper, strokeStyle: data.dark ? "#fff" : "#000", lineWidth: SIDE / 13, lineCap: "round", lineJoin: "round", imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
    ink.fillRect(0, 0, SIDE, SIDE);
    state.wanted = null;
  };
  const look = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const given = picture || ink.getImageData(...region);
      show(data.digits ? prepareDigit(given) : prepareImage(given, shape, data.resize));
    });
  };
  const line = (start, end) => {
    if (!region || pad.dataset.example) clear();
    delete pad.dataset.example;
    picture = null;
    ink.beginPath();
    ink.moveTo(...start);
    ink.lineTo(...end);
    ink.stroke();
    look();
  };
  const placeOf = ({ clientX, clientY }) => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    return [((clientX - left) / width) * SIDE, ((clientY - top) / height) * SIDE];
  };
  let last = null;
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = placeOf(event);
    line(last, last);
  });
  pad.addEventListener("pointermove", (event) => {
    if (last) line(last, (last = placeOf(event)));
  });
  ["pointerup", "pointercancel"].forEach((name) => pad.addEventListener(name, () => { last = null; }));
  // Keyboard: arrow keys move a pen.
  const pen = { x: SIDE / 2, y: SIDE / 4, down: false };
  const placePen = () => {
    at("pen").style.cssText = `left: ${(100 * pen.x) / SIDE}%; top: ${(100 * pen.y) / SIDE}%`;
    at("pen").classList.toggle("down", pen.down);
  };
  const erase = () => {
    clear();
    delete pad.dataset.example;
    pen.down = false;
    placePen();
    show({ why: "Nothing is drawn yet." });
  };
  pad.addEventListener("keydown", (event) => {
    const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
    if (event.key === "Delete" || event.key === "Backspace") erase();
    else if (event.key === " ") pen.down = !pen.down;
    else if (!right && !down) return;
    event.preventDefault();
    const before = [pen.x, pen.y];
    const within = (value) => Math.min(Math.max(value, 0), SIDE);
    Object.assign(pen, { x: within(pen.x + (right * SIDE) / 28), y: within(pen.y + (down * SIDE) / 28) });
    if (pen.down) line(before, [pen.x, pen.y]);
    placePen();
  });
  at("clear").addEventListener("click", erase);

  // --- pictures -------------------------------------------------------------------------------------------------------
  /** Returns a picture's width and height, scaled so that the longer side has a given length. */
  const sidesOf = ({ width, height }, longer) => [width, height].map((side) => Math.max(1, Math.round((side * longer) / Math.max(width, height))));
  /** Returns a picture's pixels (RGBA) in a given size. */
  const dataOf = (image, [width, height]) => {
    const context = make("canvas", { width, height }).getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  };
  const take = async (file) => {
    try {
      // Ignore colour profiles, as `mnist-tune predict` does.
      const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
      const [width, height] = sidesOf(bitmap, SIDE);
      clear();
      delete pad.dataset.example;
      pad.classList.add("photo");
      picture = dataOf(bitmap, sidesOf(bitmap, Math.min(LONGEST_SIDE, Math.max(bitmap.width, bitmap.height))));
      region = [Math.floor((SIDE - width) / 2), Math.floor((SIDE - height) / 2), width, height];
      ink.fillStyle = "#fff";
      ink.fillRect(...region);
      ink.drawImage(bitmap, ...region);
      look();
    } catch {
      status.textContent = `${file.name} can't be read as a picture.`;
    }
  };
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", ({ target }) => target.files.length && take(target.files[0]));
  section.addEventListener("dragover", (event) => event.preventDefault());
  section.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  /** Loads an image of the page, even if it is outside the window. */
  const loaded = async ({ src }) => {
    const image = make("img", { src });
    await image.decode();
    return image;
  };
  /** Returns the pixels of an image of the data set that the page shows. */
  const pixelsIn = (image) => pixelsOf(dataOf(image, [shape[1], shape[0]]), shape[2]).values.map(Math.round);
  const takeExample = async (shownImage) => {
    const image = await loaded(shownImage);
    clear();
    pad.dataset.example = "true";
    pad.classList.add("photo");
    Object.assign(ink, { imageSmoothingEnabled: false });
    ink.drawImage(image, 0, 0, SIDE, SIDE);
    show({ pixels: pixelsIn(image), why: "" });
  };
  const examples = all("#errors .rights > div").slice(0, 10).map((row) => row.querySelector("img")).filter(Boolean);
  examples.forEach((image) => at("examples").append(make("button", { type: "button", "aria-label": image.alt, click: () => takeExample(image) }, make("img", { src: image.src, alt: "" }))));
  at("given").hidden = !examples.length;

  // --- errors ---------------------------------------------------------------------------------------------------------
  all("#errors .verdicts li[data-true]").forEach((item) => {
    const image = item.querySelector("img");
    const names = [item.dataset.said, item.dataset.true].map(Number);
    const open = async () => {
      const panel = make("div", { class: "looked" });
      item.append(panel);
      const pixels = pixelsIn(await loaded(image));
      findEvidence(pixels, mapsOf(network, pixels), names, (found) =>
        panel.append(...found.map((evidence, place) => {
          const words = `Evidence for ${data.classes[names[place]]}`;
          const canvas = make("canvas", { role: "img", "aria-label": words });
          paintEvidence(canvas, pixels, evidence, strongest(...found));
          return make("figure", {}, canvas, make("figcaption", {}, `for ${data.classes[names[place]]}`));
        })));
    };
    const toggle = () => {
      const panel = item.querySelector(".looked");
      button.setAttribute("aria-expanded", String(!panel));
      if (panel) panel.remove();
      else open();
    };
    const button = make("button", { type: "button", class: "look", "aria-expanded": "false", "aria-label": `Where the evidence is: ${image.alt}`, click: toggle });
    image.replaceWith(button);
    button.append(image);
  });

  at("layers").addEventListener("toggle", () => state.maps && at("layers").open && paintMaps(state.maps));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => state.pixels && show({ pixels: state.pixels, why: "" }));
  clear();
  placePen();
  if (examples.length) takeExample(examples[0]);
  else show({ why: "Nothing is drawn yet." });
};
if (packed.network) tryIt(document.getElementById("try-it"));
