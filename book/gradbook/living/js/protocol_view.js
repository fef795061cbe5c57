import { begin, button, change, choice, controls, element, floats, heatmap, tableOf, timed, toggle, formatted, write } from "./common.js";
import { sheetPainter } from "./image_sheet.js";
import { largestOf } from "./matrix_maths.js";
import { combination, readMap, readScore } from "./protocol_maths.js";

const EVERY = 2; // only every second row and column of the maps is drawn

/** A difference in points with its sign. */
const signed = (points) => `${points >= 0.005 ? "+" : ""}${formatted(points)}`;

/** The selected image; `show(n)`. */
function imageBoard(model) {
  const side = model.get("side");
  const canvas = element("canvas", { width: side, height: side, role: "img" }), context = canvas.getContext("2d");
  const title = element("div", { class: "grad-title" }, "photograph");
  let current = 0;
  const sheet = sheetPainter(model, side, model.get("examples").length, () => sheet.paint(context, current));
  const show = (n) => {
    current = n;
    change(canvas, { "aria-label": `Photograph: ${model.get("examples")[n]}` });
    sheet.paint(context, n);
  };
  return { node: element("div", { class: "grad-map" }, title, canvas), show, close: sheet.close };
}

/** An anomaly map with a title and the image score; `show(map, top, value)`: colours from 0 to `top`, and the score. */
function board(title, size) {
  const side = Math.ceil(size / EVERY), { canvas, paint } = heatmap(side, side, title), score = element("div", { class: "grad-title" });
  const show = (map, top, value) => {
    paint(map, 0, top);
    score.textContent = `image score ${formatted(value)}`;
    change(canvas, { "aria-label": `${title}: 0 to ${formatted(largestOf(map))}, image score ${formatted(value)}` });
  };
  return { node: element("div", { class: "grad-map" }, element("div", { class: "grad-title" }, title), canvas, score), show };
}

/** AUROC by category: under the paper's protocol and as selected, the difference and its interval. */
function scoreboard(names) {
  const { node, fill } = tableOf(["image AUROC, %", "paper", "chosen", "points", "95 % interval"], names);
  return { node, show: (rows) => rows.forEach((texts, i) => fill(i, texts)) };
}

/** The table's texts for one combination; the last row is that of recorded runs, whose epochs were scored by the paper's protocol. */
function texts({ value, low, high, width }, number, epochs, best) {
  const at = (values, row, column) => 100 * values[row * width + column];
  const lines = Array.from({ length: width }, (_, column) => {
    const [paper, selected] = [at(value, 0, column), at(value, number, column)];
    const bounds = `${signed(at(low, number, column))} to ${signed(at(high, number, column))}`;
    return [formatted(paper), formatted(selected), signed(selected - paper), number === 0 ? "–" : bounds];
  });
  if (epochs.length === 0) return lines;
  const mean = (column) => (100 * epochs.reduce((sum, run) => sum + run[column], 0)) / epochs.length, [last, top] = [mean(0), mean(1)];
  return [...lines, [formatted(last), formatted(best ? top : last), signed(best ? top - last : 0), "–"]];
}

/** The image's score and rank under the paper's protocol and as selected. */
function sentence(name, scores, ranks, on) {
  const idle = on.score_smoothed && !on.smooth ? " Nothing is smoothed, so the second switch has nothing to act on." : "";
  const share = (rank) => `${formatted(100 * rank, 0)}\u00a0%`;
  return `${name}: image score ${formatted(scores[0])} under the paper's protocol, ${formatted(scores[1])} as chosen. `
    + `Of the normal cells of its class, ${share(ranks[0])} score below it under the paper's protocol, ${share(ranks[1])} as chosen.${idle}`;
}

function render({ model, el }) {
  const root = begin(el, model, "protocol"), [H, W] = model.get("map_size"), size = model.get("size");
  const switches = model.get("switches"), examples = model.get("examples"), epochs = model.get("epochs"), names = model.get("names");
  const [value, low, high, ranks, maps] = ["values", "low", "high", "ranks", "maps"].map((name) => floats(model.get(name)));
  const results = { value, low, high, width: names.length };
  const image = imageBoard(model), boards = ["map, paper", "map, chosen"].map((title) => board(title, size));
  const table = scoreboard([...names, ...(epochs.length ? [`mean, ${epochs.length} recorded runs`] : [])]), sum = element("p", { class: "grad-sentence", "aria-live": "polite" });
  const pick = choice({ name: "photograph", options: examples.map((name, i) => [i, name]), value: model.get("selected"), onChange: (n) => write(model, { selected: Number(n) }) });
  const flip = (i, set) => write(model, { on: model.get("on").map((was, n) => (n === i ? set : was)) });
  const toggles = switches.map(({ label }, i) => toggle({ name: label, value: model.get("on")[i], onChange: (set) => flip(i, set) }));
  const all = (name, which) => button(name, () => write(model, { on: switches.map(which) }));

  let paper = { n: -1 }; // map, score and largest value of image n under the paper's protocol
  const read = (d, reading) => ({ map: readMap(d, H, W, size, reading, EVERY), score: readScore(d, H, W, size, reading) });
  const draw = timed(() => {
    const on = model.get("on"), n = model.get("selected"), d = maps.subarray(n * H * W, (n + 1) * H * W);
    const reading = Object.fromEntries(switches.map(({ key }, i) => [key, on[i]])), number = combination(on.slice(0, -1));
    if (paper.n !== n) {
      paper = { n, ...read(d, {}) };
      paper.top = largestOf(paper.map);
      boards[0].show(paper.map, paper.top, paper.score);
      image.show(n);
    }
    const { map, score } = read(d, reading);
    boards[1].show(map, paper.top, score);
    sum.textContent = sentence(examples[n], [paper.score, score], [0, number].map((row) => ranks[row * examples.length + n]), reading);
    table.show(texts(results, number, epochs, on[on.length - 1]));
    toggles.forEach(({ input }, i) => { input.checked = on[i]; });
    pick.select.value = n;
  });
  model.on("change", draw);
  root.append(
    controls(...toggles.map(({ node }) => node), all("Paper", () => false), all("Released program", ({ released }) => released)),
    table.node, controls(pick.node), element("div", { class: "grad-maps grad-three" }, image.node, ...boards.map(({ node }) => node)), sum,
  );
  if (epochs.length) table.node.after(element("p", { class: "grad-title" }, "The last row belongs to the last switch alone: the score of every epoch was recorded under the paper's protocol only."));
  draw();
  return () => {
    model.off("change", draw);
    image.close();
  };
}

export default { render };
