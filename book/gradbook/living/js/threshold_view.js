import { begin, change, choice, controls, element, floats, timed, formatted, write } from "./common.js";
import { sheetPainter } from "./image_sheet.js";
import { anomalyMap } from "./scores_maths.js";
import { histograms } from "./threshold_histogram.js";
import { confusion, rates } from "./threshold_maths.js";

const STRIPES = new Uint32Array(Uint8Array.of(213, 94, 0, 240, 213, 94, 0, 100).buffer); // orange, opaque and thin
const ALL = -1; // the number that stands for all categories
const OUTCOMES = [["Passed", "False alarm"], ["Missed", "Found"]]; // by label and verdict

/** A run's scores and labels as arrays; `within(category)` returns those of one category, or of all. */
function contents(model) {
  const [scores, labels, categories] = ["scores", "labels", "categories"].map((name) => floats(model.get(name)));
  const within = (category) => {
    const belongs = (_, i) => category === ALL || categories[i] === category;
    return { scores: scores.filter(belongs), labels: labels.filter(belongs) };
  };
  return { scores, labels, within };
}

/** One image: `show(threshold)` draws the mask of all pixels at or above the threshold over the image, and the verdict. */
function exampleTile({ letter, reason, score, label, map, size, digits }, paint) {
  const canvas = element("canvas", { width: size, height: size, role: "img" }), context = canvas.getContext("2d");
  const mask = element("canvas", { width: size, height: size }).getContext("2d"), image = mask.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer), verdict = element("strong"), share = element("span");
  const title = element("div", { class: "grad-title" }, `${letter}: ${reason}, ${formatted(score, digits)}`, element("br"), verdict, share);
  const show = (threshold) => {
    let marked = 0;
    for (let row = 0, i = 0; row < size; row++) {
      for (let column = 0; column < size; column++, i++) {
        const on = map[i] >= threshold;
        pixels[i] = on ? STRIPES[((row + column) >> 3) & 1] : 0;
        marked += on;
      }
    }
    mask.putImageData(image, 0, 0);
    paint(context);
    context.drawImage(mask.canvas, 0, 0);
    verdict.textContent = OUTCOMES[label][Number(score >= threshold)];
    share.textContent = `, ${formatted((100 * marked) / map.length, 1)}\u00a0% marked`;
    change(canvas, { "aria-label": `Photograph ${letter}: ${verdict.textContent}${share.textContent}` });
  };
  return { node: element("div", { class: "grad-map" }, canvas, title), show };
}

/** The examples of the selected category; their maps are upsampled once, so that dragging only compares. */
function exampleTiles(model, { scores, labels }, sheet, digits) {
  const [H, W] = model.get("map_size"), size = model.get("size"), maps = floats(model.get("maps"));
  return model.get("examples").filter(({ category }) => category === model.get("category")).map(({ row, tile, reason }, i) => {
    const map = anomalyMap(maps.subarray(tile * H * W, (tile + 1) * H * W), H, W, size, model.get("protocol"));
    const example = { letter: "ABCDEF"[i], reason, score: scores[row], label: labels[row], map, size, digits };
    return { ...example, ...exampleTile(example, (context) => sheet.paint(context, tile, size)) };
  });
}

/** Counts and rates of all images of the selected category; a rate with the denominator 0 is called undefined. */
function sentence(counts, threshold) {
  const { found, missed, alarms, passed } = counts, { recall, alarmRate, precision } = rates(counts);
  const rate = (name, share) => `${name} ${Number.isNaN(share) ? "undefined" : `${formatted(100 * share, 1)}\u00a0%`}`;
  return [
    `Threshold ${threshold}.`,
    found + missed ? `Defective: ${found} found, ${missed} missed, ${rate("recall", recall)}.` : "No photograph here is defective, so recall is undefined.",
    alarms + passed ? `Normal: ${alarms} false alarms, ${passed} passed, ${rate("false alarm rate", alarmRate)}.` : "No photograph here is normal, so the false alarm rate is undefined.",
    `Called defective: ${found + alarms}, ${rate("precision", precision)}.`,
  ].join(" ");
}

function render({ model, el }) {
  const root = begin(el, model, "threshold"), run = contents(model), names = model.get("names");
  const chart = element("div"), album = element("div", { class: "grad-maps grad-many" }), sum = element("p", { class: "grad-sentence", "aria-live": "polite" });
  let current = null; // the selected category: its rows, plot and examples

  const arrange = (category) => {
    const rows = run.within(category), plot = histograms(rows, { at: () => model.get("threshold"), to: (threshold) => write(model, { threshold }) });
    const examples = exampleTiles(model, run, sheet, plot.digits);
    examples.forEach(({ letter, score, label }) => plot.mark(letter, score, label));
    chart.replaceChildren(plot.svg);
    album.replaceChildren(...examples.map(({ node }) => node));
    current = { category, rows, plot, examples };
  };
  const draw = timed(() => {
    const category = model.get("category"), threshold = model.get("threshold");
    if (current?.category !== category) arrange(category);
    const { rows, plot, examples } = current, counts = confusion(rows.scores, rows.labels, threshold), text = formatted(threshold, plot.digits);
    plot.place(threshold, `threshold ${text}, ${counts.found} found, ${counts.alarms} false alarms`);
    examples.forEach(({ show }) => show(threshold));
    sum.textContent = sentence(counts, text);
    pick.select.value = category;
  });
  const sheet = sheetPainter(model, model.get("side"), 1 + Math.max(...model.get("examples").map(({ tile }) => tile)), draw);
  const options = [[ALL, "all"], ...names.map((name, i) => [i, name])];
  const pick = choice({ name: "class", options, value: model.get("category"), onChange: (category) => write(model, { category: Number(category) }) });
  if (names.length > 1) root.append(controls(pick.node));
  root.append(chart, sum, album);
  if (!model.get("from_maps")) root.append(element("p", {}, "This method gives image scores of its own; the masks use the same number on its maps, whose scale may be another."));
  model.on("change", draw);
  draw();
  return () => {
    model.off("change", draw);
    sheet.close();
  };
}

export default { render };
