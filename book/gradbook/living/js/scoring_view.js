import { CIVIDIS_SCALE, begin, button, change, choice, cividis, controls, element, floats, heatmap, slider, tableOf, timed, toggle, told, write } from "./common.js";
import { painter } from "./photographs.js";
import { BOX, anomalyMap } from "./scores_maths.js";
import { centred, scored, scoresOf } from "./scoring_maths.js";

const COLOURS = Array.from({ length: 256 }, (_, i) => cividis(i / 255)), NOWHERE = [128, 128, 128]; // made once: the maps are large
const coloured = (value) => (Number.isNaN(value) ? NOWHERE : COLOURS[Math.round(255 * Math.min(Math.max(value, 0), 1))]);

/** A picture with a title and a frame around a part of it, given in shares of its side. */
function board(canvas, title, ...below) {
  const frame = element("span", { class: "grad-frame" }), words = element("div", { class: "grad-title" }, title);
  const node = element("div", { class: "grad-map" }, words, element("div", { class: "grad-framed" }, canvas, frame), ...below);
  const place = (left, top, side) => change(frame, { style: `left: ${100 * left}%; top: ${100 * top}%; width: ${100 * side}%; height: ${100 * side}%` });
  return { node, place };
}

/** A map on a scale from 0 to `high`, whose ends are written below it. */
function mapBoard(size, title) {
  const { canvas, paint } = heatmap(size, size, title, coloured), end = element("span");
  const key = element("div", { class: "grad-key", "aria-hidden": "true" }, "0", element("span", { class: "grad-scale", style: `background: ${CIVIDIS_SCALE}` }), end);
  const show = (values, high, words) => {
    paint(values, 0, high);
    end.textContent = told(high, 1);
    change(canvas, { "aria-label": `${title}: ${words}` });
  };
  return { ...board(canvas, title, key), show };
}

/** The photographs, one at a time on a canvas. */
function viewer(model, size, count) {
  const canvas = element("canvas", { width: size, height: size, role: "img", "aria-label": "photograph" }), context = canvas.getContext("2d");
  const sheet = painter(model, size, count, () => show(model.get("photograph"))), show = (n) => sheet.paint(context, n);
  return { ...board(canvas, "photograph"), show, close: sheet.close };
}

/** A table of all photographs: the largest d, the score and the rank by score. */
function ranking(names) {
  const { node, rows, fill } = tableOf(["photograph", "largest d", "score", "rank"], names);
  const show = (largest, scores, chosen) => scores.forEach((score, i) => {
    const rank = 1 + scores.filter((other) => other > score).length;
    fill(i, [told(largest[i]), told(score), `${rank}`]);
    change(rows[i], { "aria-current": i === chosen });
  });
  return { node, show };
}

/** The d of each photograph, H x W numbers. */
function maps(model) {
  const [H, W] = model.get("map_size"), d = floats(model.get("d"));
  return model.get("names").map((_, n) => d.subarray(n * H * W, (n + 1) * H * W));
}

function render({ model, el }) {
  const root = begin(el, model, "scoring"), size = model.get("size"), names = model.get("names"), [H, W] = model.get("map_size");
  const parts = maps(model), largest = parts.map((part) => Math.max(...part));
  const photograph = viewer(model, size, names.length), boards = ["anomaly map", "means of the windows"].map((title) => mapBoard(size, title));
  const sum = element("p", { class: "grad-told", "aria-live": "polite" }), table = ranking(names);
  const side = (name, words, max, step) => slider({
    name: words, min: 1, max, step, value: model.get(name), show: (v) => `${v} px`, onInput: (value) => write(model, { [name]: value }),
  });
  const smoothing = side("smoothing", "smoothing box", 41, 2), window = side("window", "pooling window", size, 1);
  const corners = toggle({ name: "corners aligned", value: model.get("aligned"), onChange: (on) => write(model, { aligned: on }) });
  const pick = choice({ name: "photograph", options: names.map((name, i) => [i, name]), value: model.get("photograph"), onChange: (i) => write(model, { photograph: Number(i) }) });

  const draw = timed(() => {
    const n = model.get("photograph"), box = model.get("smoothing"), width = model.get("window"), aligned = model.get("aligned");
    const { map, means, count, score, row, column } = scored(anomalyMap(parts[n], H, W, size, "paper", aligned), size, box, width);
    const middle = `row ${row + (width >> 1)}, column ${column + (width >> 1)}`;
    photograph.show(n);
    boards[0].show(map, largest[n], `0 to ${told(largest[n], 1)}`);
    boards[1].show(centred(means, count, size), largest[n], `highest ${told(score)} at ${middle}`);
    [photograph, boards[0]].forEach((one) => one.place(column / size, row / size, width / size));
    boards[1].place((column + ((size - count) >> 1) - 4) / size, (row + ((size - count) >> 1) - 4) / size, 9 / size);
    sum.textContent = `Smoothing ${box} × ${box}, window ${width} × ${width}: ${count} × ${count} windows. The highest mean, the score, is ${told(score)}, `
      + `its window centred at ${middle}; the largest d is ${told(largest[n])}`;
    table.show(largest, scoresOf(parts, H, W, size, box, width, aligned), n);
    smoothing.set(box);
    window.set(width);
    corners.input.checked = aligned;
    pick.select.value = n;
  });
  const start = { smoothing: 1, window: model.get("usual"), aligned: true };
  const released = { ...start, smoothing: BOX };
  model.on("change", draw);
  root.append(
    controls(pick.node), element("div", { class: "grad-maps grad-three" }, photograph.node, ...boards.map((one) => one.node)), sum,
    controls(smoothing.node, window.node, corners.node, button("Paper", () => write(model, start)), button("Released code", () => write(model, released))), table.node,
  );
  draw();
  return () => {
    model.off("change", draw);
    photograph.close();
  };
}

export default { render };
