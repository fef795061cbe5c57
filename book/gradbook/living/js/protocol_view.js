import { begin, button, change, choice, controls, element, floats, heatmap, tableOf, timed, toggle, told, write } from "./common.js";
import { painter } from "./photographs.js";
import { combination, largestOf, readMap, readScore } from "./protocol_maths.js";

const EVERY = 2; // the maps are drawn at every second of their pixels

/** A number of points with its sign. */
const signed = (points) => `${points >= 0.005 ? "+" : ""}${told(points)}`;

/** The photograph that is looked at; `show(n)`. */
function photograph(model) {
  const side = model.get("side");
  const canvas = element("canvas", { width: side, height: side, role: "img" }), context = canvas.getContext("2d");
  const title = element("div", { class: "grad-title" }, "photograph");
  let shown = 0;
  const sheet = painter(model, side, model.get("examples").length, () => sheet.paint(context, shown));
  const show = (n) => {
    shown = n;
    change(canvas, { "aria-label": `Photograph: ${model.get("examples")[n].name}` });
    sheet.paint(context, n);
  };
  return { node: element("div", { class: "grad-map" }, title, canvas), show, close: sheet.close };
}

/** An anomaly map with a title and its range in words; `show(map, top, score)` draws it on a scale from 0 to top. */
function board(title, size) {
  const side = Math.ceil(size / EVERY), { canvas, paint } = heatmap(side, side, title), score = element("div", { class: "grad-title" });
  const show = (map, top, value) => {
    paint(map, 0, top);
    score.textContent = `image score ${told(value)}`;
    change(canvas, { "aria-label": `${title}: 0 to ${told(largestOf(map))}, image score ${told(value)}` });
  };
  return { node: element("div", { class: "grad-map" }, element("div", { class: "grad-title" }, title), canvas, score), show };
}

/** AUROC by class: the paper's protocol, the chosen one, the difference with its interval. */
function scoreboard(names) {
  const { node, fill } = tableOf(["image AUROC, %", "paper", "chosen", "points", "95 % interval"], names);
  return { node, show: (values) => values.forEach((texts, i) => fill(i, texts)) };
}

/** The table's texts for one combination; the last row is that of the recorded runs, whose epochs lie there only as read by the paper. */
function texts({ value, low, high, width }, number, epochs, best) {
  const at = (values, row, column) => 100 * values[row * width + column];
  const lines = Array.from({ length: width }, (_, column) => {
    const [paper, chosen] = [at(value, 0, column), at(value, number, column)];
    const bounds = `${signed(at(low, number, column))} to ${signed(at(high, number, column))}`;
    return [told(paper), told(chosen), signed(chosen - paper), number === 0 ? "–" : bounds];
  });
  if (epochs.length === 0) return lines;
  const mean = (column) => (100 * epochs.reduce((sum, run) => sum + run[column], 0)) / epochs.length, [last, top] = [mean(0), mean(1)];
  return [...lines, [told(last), told(best ? top : last), signed(best ? top - last : 0), "–"]];
}

/** What the combination does to the photograph at hand. */
function sentence({ name }, scores, ranks, on) {
  const idle = on.score_smoothed && !on.smooth ? " Nothing is smoothed, so the second switch has nothing to act on." : "";
  const share = (rank) => `${told(100 * rank, 0)}\u00a0%`;
  return `${name}: image score ${told(scores[0])} under the paper's protocol, ${told(scores[1])} as chosen. `
    + `Of the normal cells of its class, ${share(ranks[0])} score below it under the paper's protocol, ${share(ranks[1])} as chosen.${idle}`;
}

function render({ model, el }) {
  const root = begin(el, model, "protocol"), [H, W] = model.get("map_size"), size = model.get("size");
  const switches = model.get("switches"), examples = model.get("examples"), epochs = model.get("epochs"), names = model.get("names");
  const [value, low, high, ranks, maps] = ["values", "low", "high", "ranks", "maps"].map((name) => floats(model.get(name)));
  const measured = { value, low, high, width: names.length };
  const picture = photograph(model), boards = ["map, paper", "map, chosen"].map((title) => board(title, size));
  const table = scoreboard([...names, ...(epochs.length ? [`mean, ${epochs.length} recorded runs`] : [])]), sum = element("p", { class: "grad-told", "aria-live": "polite" });
  const pick = choice({ name: "photograph", options: examples.map(({ name }, i) => [i, name]), value: model.get("photograph"), onChange: (n) => write(model, { photograph: Number(n) }) });
  const flip = (i, set) => write(model, { on: model.get("on").map((was, n) => (n === i ? set : was)) });
  const toggles = switches.map(({ words }, i) => toggle({ name: words, value: model.get("on")[i], onChange: (set) => flip(i, set) }));
  const all = (name, which) => button(name, () => write(model, { on: switches.map(which) }));

  let first = { n: -1 }; // of the photograph at hand, under the paper's protocol
  const look = (d, how) => ({ map: readMap(d, H, W, size, how, EVERY), score: readScore(d, H, W, size, how) });
  const draw = timed(() => {
    const on = model.get("on"), n = model.get("photograph"), d = maps.subarray(n * H * W, (n + 1) * H * W);
    const chosen = Object.fromEntries(switches.map(({ key }, i) => [key, on[i]])), number = combination(on.slice(0, -1));
    if (first.n !== n) {
      first = { n, ...look(d, {}) };
      first.top = largestOf(first.map);
      boards[0].show(first.map, first.top, first.score);
      picture.show(n);
    }
    const { map, score } = look(d, chosen);
    boards[1].show(map, first.top, score);
    sum.textContent = sentence(examples[n], [first.score, score], [0, number].map((row) => ranks[row * examples.length + n]), chosen);
    table.show(texts(measured, number, epochs, on[on.length - 1]));
    toggles.forEach(({ input }, i) => { input.checked = on[i]; });
    pick.select.value = n;
  });
  model.on("change", draw);
  root.append(
    controls(...toggles.map(({ node }) => node), all("Paper", () => false), all("Released program", ({ released }) => released)),
    table.node, controls(pick.node), element("div", { class: "grad-maps grad-three" }, picture.node, ...boards.map(({ node }) => node)), sum,
  );
  if (epochs.length) table.node.after(element("p", { class: "grad-title" }, "The last row belongs to the last switch alone: the score of every epoch was recorded under the paper's protocol only."));
  draw();
  return () => {
    model.off("change", draw);
    picture.close();
  };
}

export default { render };
