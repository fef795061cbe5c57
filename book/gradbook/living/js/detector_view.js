import { begin, button, choice, controls, element, staticFolder, timed, told, write } from "./common.js";
import { answersMadeBefore, decoded, kernelAnswers, pageAnswers, unstacked } from "./detector_engine.js";
import { brushControls, easel } from "./detector_easel.js";
import { differing, means, placesOf, squash } from "./detector_maths.js";
import { expectedPanel, gauge, mapPanel, placesPanel } from "./detector_panels.js";
import { latestWins } from "./runtime.js";

const OWN = -1; // the choice of one's own picture

/** What an answer looks like: sentences, the bar and three panels. `show` draws one; `untouched` is without strokes. */
function answerPanels(model) {
  const { size, H, R, side } = model.get("shape"), threshold = model.get("threshold"), top = model.get("top");
  const words = element("p", { class: "grad-told", "aria-live": "polite" }), bar = gauge(threshold, top);
  const map = mapPanel(size, top), expected = expectedPanel(side), places = placesPanel(R);
  const show = timed(({ score, map: values, local, picture }, pixels, untouched, tail) => {
    const mask = differing(pixels, untouched), { inside, outside } = means(values, mask);
    const verdict = score < threshold ? `below the threshold ${told(threshold)}: passed as normal.` : `at or above the threshold ${told(threshold)}: called defective.`;
    const painted = Number.isNaN(inside) ? "" : ` The map's mean is ${told(inside)} where you painted and ${told(outside)} elsewhere.`;
    words.textContent = `Score ${told(score, 3)}, ${verdict}${painted} ${tail}`;
    bar.show(score);
    map.show(values, pixels);
    expected.show(picture);
    places.show(local, placesOf(mask, size, H));
  });
  const result = element("div", { class: "grad-result" }, words, bar.svg);
  return { nodes: [result, map.node, expected.node, places.node], words, show };
}

/** The choice of a photograph, and the reader's own by a file or by dropping it on `target`: `onOwn` is given the file. */
function sources(model, target, onOwn) {
  const options = model.get("names").map((name, n) => [n, name]);
  const { node, select } = choice({
    name: "photograph", options, value: model.get("chosen"), onChange: (n) => write(model, { strokes: [], chosen: Number(n) }),
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

/** The button that loads the network, and a line that says what is the matter. `onStart` is given who answers. */
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
  start.hidden = folder === null; // in JupyterLab Python answers, and nothing has to be loaded
  if (folder !== null && typeof WebAssembly !== "object") {
    start.hidden = true;
    note.textContent = "This browser has no WebAssembly, so the detector cannot run here: shown are results of the untouched photographs.";
  }
  return { node: element("div", { class: "grad-panel" }, start, note), note };
}

/** Asks for an answer about what is on the board, and shows it; `picture()` is the photograph below the strokes. */
function judge({ board, picture, squashed, panels, note }) {
  let answers, loading;
  const run = latestWins(async () => {
    if (!board.pixels()) return; // the photographs are still being read; once one is on the board, it is asked for
    const judged = picture(), began = performance.now(), pixels = squashed({ ...judged, pixels: board.pixels() }), ready = performance.now();
    try {
      const answer = await answers(pixels), end = performance.now();
      performance.measure("grad-network", { start: ready, end });
      if (judged !== picture()) return; // another photograph has been chosen meanwhile, and is next
      const times = `Resizing took ${told(ready - began, 0)} ms, the network ${told(end - ready, 0)} ms${loading}.`;
      judged.squashed ??= squashed(judged);
      panels.show(answer, pixels, judged.squashed, times);
    } catch (error) {
      note.textContent = `The detector gave no answer: ${error.message}`;
    }
  }, { tell: (busy) => panels.words.setAttribute("aria-busy", busy) }); // it is read out when it stands still
  const start = (given, took) => {
    answers = given;
    loading = took === undefined ? "" : `, loading ${told(took / 1000, 1)} s once`;
    run();
  };
  return { start, ask: () => { if (answers) run(); }, started: () => answers !== undefined };
}

function render({ model, el }) {
  const root = begin(el, model, "detector"), { size, count } = model.get("shape"), panels = answerPanels(model);
  let photographs = [], made = [], own, shown = {}, python;
  const picture = () => (model.get("chosen") === OWN && own ? own : photographs[Math.max(model.get("chosen"), 0)]);
  const squashed = ({ pixels, width, height }) => squash(pixels, width, height, size);
  const board = easel({
    brush: () => ({ width: model.get("brush_width"), shade: model.get("brush_shade") }),
    onLine: () => judging.ask(),
    onStroke: (stroke) => write(model, { strokes: [...model.get("strokes"), stroke] }),
  });
  const begun = starter(model, (...given) => judging.start(...given));
  const judging = judge({ board, picture, squashed, panels, note: begun.note });
  const from = sources(model, root, async (file) => {
    try {
      own = await decoded(file, file.name);
      from.offerOwn(file.name);
      write(model, { strokes: [], chosen: OWN });
      sync(); // a second picture of one's own changes no trait
    } catch (error) {
      begun.note.textContent = error.message;
    }
  });
  const sync = () => {
    const [chosen, strokes, photograph] = [model.get("chosen"), model.get("strokes"), picture()];
    board.aim();
    if (!photograph || (shown.photograph === photograph && shown.strokes === strokes)) return;
    board.show(photograph, strokes);
    from.set(chosen);
    judging.ask();
    if (!judging.started()) showMade(photograph, made[chosen]);
    shown = { photograph, strokes };
  };
  /** Python's answer of an untouched photograph, until the detector has been started. */
  const showMade = (photograph, answer) => {
    const pixels = squashed(photograph);
    if (answer) panels.show(answer, pixels, pixels, "This is the photograph without strokes, computed when the page was built.");
    else panels.words.textContent = "Start the detector to have your own picture judged.";
  };
  model.on("change", sync);
  const easelPanel = element("div", {}, element("p", {}, "Paint here"), board.node, board.place);
  root.append(begun.node, from.row, element("div", { class: "grad-bench" }, easelPanel, brushControls(model), ...panels.nodes));
  (async () => {
    photographs = await unstacked(model.get("photographs"), count);
    made = await answersMadeBefore(model, size);
    sync();
    if (staticFolder() !== null || !model.get("live")) return;
    python = kernelAnswers(model);
    judging.start(python.ask);
    begun.note.textContent = "Python answers here: paint on the photograph.";
  })();
  return () => { model.off("change", sync); python?.close(); };
}

export default { render };
