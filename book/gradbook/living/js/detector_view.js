import { begin, button, choice, controls, element, staticFolder, timed, formatted, write } from "./common.js";
import { decoded, kernelAnswers, pageAnswers, storedAnswers, unstacked } from "./detector_engine.js";
import { brushControls, easel } from "./detector_easel.js";
import { differing, means, placesOf, squash } from "./detector_maths.js";
import { expectedPanel, gauge, mapPanel, placesPanel } from "./detector_panels.js";
import { latestWins } from "./runtime.js";

const OWN = -1; // the number of the reader's own image

/** Sentences, the bar and three panels; `show(answer, pixels, unpainted, tail)` draws an answer, `tail` ends the sentences. */
function answerPanels(model) {
  const { size, H, R, side } = model.get("shape"), threshold = model.get("threshold"), top = model.get("top");
  const line = element("p", { class: "grad-sentence", "aria-live": "polite" }), bar = gauge(threshold, top);
  const map = mapPanel(size, top), expected = expectedPanel(side), places = placesPanel(R);
  const show = timed(({ score, map: values, local, picture }, pixels, unpainted, tail) => {
    const mask = differing(pixels, unpainted), { inside, outside } = means(values, mask);
    const verdict = score < threshold ? `below the threshold ${formatted(threshold)}: passed as normal.` : `at or above the threshold ${formatted(threshold)}: called defective.`;
    const painted = Number.isNaN(inside) ? "" : ` The map's mean is ${formatted(inside)} where you painted and ${formatted(outside)} elsewhere.`;
    line.textContent = `Score ${formatted(score, 3)}, ${verdict}${painted} ${tail}`;
    bar.show(score);
    map.show(values, pixels);
    expected.show(picture);
    places.show(local, placesOf(mask, size, H));
  });
  const result = element("div", { class: "grad-result" }, line, bar.svg);
  return { nodes: [result, map.node, expected.node, places.node], line, show };
}

/** Controls that select an image; the reader's own is chosen as a file or dropped on `target`, and passed to `onOwn`. */
function imageControls(model, target, onOwn) {
  const options = model.get("names").map((name, n) => [n, name]);
  const { node, select } = choice({
    name: "photograph", options, value: model.get("selected"), onChange: (n) => write(model, { strokes: [], selected: Number(n) }),
  });
  const file = element("input", { type: "file", accept: "image/*" });
  file.addEventListener("change", () => { if (file.files[0]) onOwn(file.files[0]); });
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) onOwn(event.dataTransfer.files[0]);
  });
  const offerOwn = (name) => {
    select.querySelector(`option[value="${OWN}"]`)?.remove();
    select.append(element("option", { value: OWN }, `yours: ${name}`));
  };
  const row = controls(node, element("label", { class: "grad-control" }, element("span", {}, "your own picture"), file));
  return { row, offerOwn, set: (n) => { select.value = n; } };
}

/** The button that loads the network, and a note on its state; onStart(answers, milliseconds) is called when it is loaded. */
function starter(model, onStart) {
  const note = element("p", { class: "grad-note", role: "status" }), folder = staticFolder();
  const start = button(`Start the detector (loads up to ${model.get("megabytes")} MB)`, async () => {
    start.disabled = true;
    note.textContent = "The detector is loading …";
    const began = performance.now();
    try {
      onStart(await pageAnswers(folder, model.get("shape").size), performance.now() - began);
      note.textContent = "The detector runs in this page: paint on the photograph.";
      start.hidden = true;
    } catch (error) {
      start.disabled = false;
      note.textContent = `The detector could not be started (${error.message}): shown are results of the untouched photographs.`;
    }
  });
  start.hidden = folder === null; // in JupyterLab Python answers and nothing needs to be loaded
  if (folder !== null && typeof WebAssembly !== "object") {
    start.hidden = true;
    note.textContent = "This browser has no WebAssembly, so the detector cannot run here: shown are results of the untouched photographs.";
  }
  return { node: element("div", { class: "grad-panel" }, start, note), note };
}

/** Answers to the painted image on the board, shown in the panels; `image()` returns the image without strokes. */
function answering({ board, image, squashed, panels, note }) {
  let answers, loading;
  const run = latestWins(async () => {
    if (!board.pixels()) return; // the images are still being decoded
    const current = image(), began = performance.now(), pixels = squashed({ ...current, pixels: board.pixels() }), ready = performance.now();
    try {
      const answer = await answers(pixels), end = performance.now();
      performance.measure("grad-network", { start: ready, end });
      if (current !== image()) return; // another image has been selected in the meantime and is next
      const times = `Resizing took ${formatted(ready - began, 0)} ms, the network ${formatted(end - ready, 0)} ms${loading}.`;
      current.squashed ??= squashed(current);
      panels.show(answer, pixels, current.squashed, times);
    } catch (error) {
      note.textContent = `The detector gave no answer: ${error.message}`;
    }
  }, { onBusy: (busy) => panels.line.setAttribute("aria-busy", busy) }); // so that only the last sentence is read aloud
  const start = (source, milliseconds) => {
    answers = source;
    loading = milliseconds === undefined ? "" : `, loading ${formatted(milliseconds / 1000, 1)} s once`;
    run();
  };
  return { start, ask: () => { if (answers) run(); }, started: () => answers !== undefined };
}

function render({ model, el }) {
  const root = begin(el, model, "detector"), { size, count } = model.get("shape"), panels = answerPanels(model);
  let images = [], stored = [], own, drawing = {}, python;
  const image = () => (model.get("selected") === OWN && own ? own : images[Math.max(model.get("selected"), 0)]);
  const squashed = ({ pixels, width, height }) => squash(pixels, width, height, size);
  const board = easel({
    brush: () => ({ width: model.get("brush_width"), shade: model.get("brush_shade") }),
    onLine: () => judge.ask(),
    onStroke: (stroke) => write(model, { strokes: [...model.get("strokes"), stroke] }),
  });
  const starting = starter(model, (...loaded) => judge.start(...loaded));
  const judge = answering({ board, image, squashed, panels, note: starting.note });
  const choices = imageControls(model, root, async (file) => {
    try {
      own = await decoded(file, file.name);
      choices.offerOwn(file.name);
      write(model, { strokes: [], selected: OWN });
      sync(); // a second own image changes no trait
    } catch (error) {
      starting.note.textContent = error.message;
    }
  });
  const sync = () => {
    const [selected, strokes, current] = [model.get("selected"), model.get("strokes"), image()];
    board.aim();
    if (!current || (drawing.image === current && drawing.strokes === strokes)) return;
    board.show(current, strokes);
    choices.set(selected);
    judge.ask();
    if (!judge.started()) showStored(current, stored[selected]);
    drawing = { image: current, strokes };
  };
  /** Show Python's answer to the unpainted image, until the detector has been started. */
  const showStored = (unpainted, answer) => {
    const pixels = squashed(unpainted);
    if (answer) panels.show(answer, pixels, pixels, "This is the photograph without strokes, computed when the page was built.");
    else panels.line.textContent = "Start the detector to have your own picture judged.";
  };
  model.on("change", sync);
  const easelPanel = element("div", {}, element("p", {}, "Paint here"), board.node, board.status);
  root.append(starting.node, choices.row, element("div", { class: "grad-bench" }, easelPanel, brushControls(model), ...panels.nodes));
  (async () => {
    images = await unstacked(model.get("images"), count);
    stored = await storedAnswers(model, size);
    sync();
    if (staticFolder() !== null || !model.get("live")) return;
    python = kernelAnswers(model);
    judge.start(python.ask);
    starting.note.textContent = "Python answers here: paint on the photograph.";
  })();
  return () => { model.off("change", sync); python?.close(); };
}

export default { render };
