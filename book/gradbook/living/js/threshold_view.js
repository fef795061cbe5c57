import { begin, change, choice, controls, element, floats, timed, told, write } from "./common.js";
import { painter } from "./photographs.js";
import { anomalyMap } from "./scores_maths.js";
import { histograms } from "./threshold_histogram.js";
import { confusion, rates } from "./threshold_maths.js";

const STRIPES = new Uint32Array(Uint8Array.of(213, 94, 0, 240, 213, 94, 0, 100).buffer); // orange, opaque and thin
const OUTCOMES = [["Passed", "False alarm"], ["Missed", "Found"]]; // by label and call

/** A run's numbers as arrays, and the rows that belong to a class; -1 is all classes. */
function contents(model) {
  const [scores, labels, groups] = ["scores", "labels", "groups"].map((name) => floats(model.get(name)));
  const within = (group) => {
    const here = (_, i) => group < 0 || groups[i] === group;
    return { scores: scores.filter(here), labels: labels.filter(here) };
  };
  return { scores, labels, within };
}

/** One photograph: `show(threshold)` lays the mask of all pixels at or above it over the photograph, and gives the verdict. */
function exhibit({ letter, why, score, label, map, size, digits }, paint) {
  const canvas = element("canvas", { width: size, height: size, role: "img" }), context = canvas.getContext("2d");
  const mask = element("canvas", { width: size, height: size }).getContext("2d"), image = mask.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer), verdict = element("strong"), share = element("span");
  const words = element("div", { class: "grad-title" }, `${letter}: ${why}, ${told(score, digits)}`, element("br"), verdict, share);
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
    share.textContent = `, ${told((100 * marked) / map.length, 1)}\u00a0% marked`;
    change(canvas, { "aria-label": `Photograph ${letter}: ${verdict.textContent}${share.textContent}` });
  };
  return { node: element("div", { class: "grad-map" }, canvas, words), show };
}

/** The exhibits of a class; their maps are enlarged once, so that dragging only compares. */
function gallery(model, { scores, labels }, sheet, digits) {
  const [H, W] = model.get("map_size"), size = model.get("size"), maps = floats(model.get("maps"));
  return model.get("examples").filter(({ group }) => group === model.get("group")).map(({ row, tile, why }, i) => {
    const map = anomalyMap(maps.subarray(tile * H * W, (tile + 1) * H * W), H, W, size, model.get("protocol"));
    const about = { letter: "ABCDEF"[i], why, score: scores[row], label: labels[row], map, size, digits };
    return { ...about, ...exhibit(about, (context) => sheet.paint(context, tile, size)) };
  });
}

/** What the threshold makes of all photographs of the class; a rate without anything to divide by is said to be undefined. */
function sentence(counts, threshold) {
  const { found, missed, alarms, passed } = counts, { recall, alarmRate, precision } = rates(counts);
  const rate = (name, share) => `${name} ${Number.isNaN(share) ? "undefined" : `${told(100 * share, 1)}\u00a0%`}`;
  return [
    `Threshold ${threshold}.`,
    found + missed ? `Defective: ${found} found, ${missed} missed, ${rate("recall", recall)}.` : "No photograph here is defective, so recall is undefined.",
    alarms + passed ? `Normal: ${alarms} false alarms, ${passed} passed, ${rate("false alarm rate", alarmRate)}.` : "No photograph here is normal, so the false alarm rate is undefined.",
    `Called defective: ${found + alarms}, ${rate("precision", precision)}.`,
  ].join(" ");
}

function render({ model, el }) {
  const root = begin(el, model, "threshold"), run = contents(model), names = model.get("names");
  const chart = element("div"), album = element("div", { class: "grad-maps grad-many" }), sum = element("p", { class: "grad-told", "aria-live": "polite" });
  let shown = null; // the class on display: its rows, its chart and its exhibits

  const arrange = (group) => {
    const rows = run.within(group), plot = histograms(rows, { at: () => model.get("threshold"), to: (threshold) => write(model, { threshold }) });
    const exhibits = gallery(model, run, sheet, plot.digits);
    exhibits.forEach(({ letter, score, label }) => plot.mark(letter, score, label));
    chart.replaceChildren(plot.svg);
    album.replaceChildren(...exhibits.map(({ node }) => node));
    shown = { group, rows, plot, exhibits };
  };
  const draw = timed(() => {
    const group = model.get("group"), threshold = model.get("threshold");
    if (shown?.group !== group) arrange(group);
    const counts = confusion(shown.rows.scores, shown.rows.labels, threshold), words = told(threshold, shown.plot.digits);
    shown.plot.place(threshold, `threshold ${words}, ${counts.found} found, ${counts.alarms} false alarms`);
    shown.exhibits.forEach(({ show }) => show(threshold));
    sum.textContent = sentence(counts, words);
    pick.select.value = group;
  });
  const sheet = painter(model, model.get("side"), 1 + Math.max(...model.get("examples").map(({ tile }) => tile)), draw);
  const options = [[-1, "all"], ...names.map((name, i) => [i, name])];
  const pick = choice({ name: "class", options, value: model.get("group"), onChange: (group) => write(model, { group: Number(group) }) });
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
