import { CIVIDIS_SCALE, begin, button, change, choice, cividis, controls, element, floats, heatmap, slider, tableOf, timed, toggle, formatted, write } from "./common.js";
import { sheetPainter } from "./image_sheet.js";
import { BOX, anomalyMap } from "./scores_maths.js";
import { centred, scored, scoresOf } from "./scoring_maths.js";

const COLOURS = Array.from({ length: 256 }, (_, i) => cividis(i / 255)), NONE = [128, 128, 128]; // computed once, because the maps are large
const coloured = (value) => (Number.isNaN(value) ? NONE : COLOURS[Math.round(255 * Math.min(Math.max(value, 0), 1))]);

/** A canvas with a title and a square frame; `place(left, top, side)` moves the frame, in shares of the canvas's side. */
function board(canvas, title, ...below) {
  const frame = element("span", { class: "grad-frame" }), heading = element("div", { class: "grad-title" }, title);
  const node = element("div", { class: "grad-map" }, heading, element("div", { class: "grad-framed" }, canvas, frame), ...below);
  const place = (left, top, side) => change(frame, { style: `left: ${100 * left}%; top: ${100 * top}%; width: ${100 * side}%; height: ${100 * side}%` });
  return { node, place };
}

/** A map with a colour scale from 0 to `high` below it; `show(values, high, text)`: `text` completes its text alternative. */
function mapBoard(size, title) {
  const { canvas, paint } = heatmap(size, size, title, coloured), end = element("span");
  const key = element("div", { class: "grad-key", "aria-hidden": "true" }, "0", element("span", { class: "grad-scale", style: `background: ${CIVIDIS_SCALE}` }), end);
  const show = (values, high, text) => {
    paint(values, 0, high);
    end.textContent = formatted(high, 1);
    change(canvas, { "aria-label": `${title}: ${text}` });
  };
  return { ...board(canvas, title, key), show };
}

/** The images, one at a time on a canvas; `show(n)`. */
function viewer(model, size, count) {
  const canvas = element("canvas", { width: size, height: size, role: "img", "aria-label": "photograph" }), context = canvas.getContext("2d");
  const sheet = sheetPainter(model, size, count, () => show(model.get("selected"))), show = (n) => sheet.paint(context, n);
  return { ...board(canvas, "photograph"), show, close: sheet.close };
}

/** A table of all images: the largest d, the score and its rank. */
function ranking(names) {
  const { node, rows, fill } = tableOf(["photograph", "largest d", "score", "rank"], names);
  const show = (largest, scores, selected) => scores.forEach((score, i) => {
    const rank = 1 + scores.filter((other) => other > score).length;
    fill(i, [formatted(largest[i]), formatted(score), `${rank}`]);
    change(rows[i], { "aria-current": i === selected });
  });
  return { node, show };
}

/** The d of each image, H x W numbers. */
function mapsOf(model) {
  const [H, W] = model.get("map_size"), d = floats(model.get("d"));
  return model.get("names").map((_, n) => d.subarray(n * H * W, (n + 1) * H * W));
}

function render({ model, el }) {
  const root = begin(el, model, "scoring"), size = model.get("size"), names = model.get("names"), [H, W] = model.get("map_size");
  const maps = mapsOf(model), largest = maps.map((d) => Math.max(...d));
  const image = viewer(model, size, names.length), boards = ["anomaly map", "means of the windows"].map((title) => mapBoard(size, title));
  const sum = element("p", { class: "grad-sentence", "aria-live": "polite" }), table = ranking(names);
  const side = (name, label, max, step) => slider({
    name: label, min: 1, max, step, value: model.get(name), format: (v) => `${v} px`, onInput: (value) => write(model, { [name]: value }),
  });
  const smoothing = side("smoothing", "smoothing box", 41, 2), window = side("window", "pooling window", size, 1);
  const corners = toggle({ name: "corners aligned", value: model.get("aligned"), onChange: (on) => write(model, { aligned: on }) });
  const pick = choice({ name: "photograph", options: names.map((name, i) => [i, name]), value: model.get("selected"), onChange: (i) => write(model, { selected: Number(i) }) });

  const draw = timed(() => {
    const n = model.get("selected"), box = model.get("smoothing"), width = model.get("window"), aligned = model.get("aligned");
    const { map, means, count, score, row, column } = scored(anomalyMap(maps[n], H, W, size, "paper", aligned), size, box, width);
    const middle = `row ${row + (width >> 1)}, column ${column + (width >> 1)}`;
    image.show(n);
    boards[0].show(map, largest[n], `0 to ${formatted(largest[n], 1)}`);
    boards[1].show(centred(means, count, size), largest[n], `highest ${formatted(score)} at ${middle}`);
    [image, boards[0]].forEach((one) => one.place(column / size, row / size, width / size));
    boards[1].place((column + ((size - count) >> 1) - 4) / size, (row + ((size - count) >> 1) - 4) / size, 9 / size);
    sum.textContent = `Smoothing ${box} × ${box}, window ${width} × ${width}: ${count} × ${count} windows. The highest mean, the score, is ${formatted(score)}, `
      + `its window centred at ${middle}; the largest d is ${formatted(largest[n])}`;
    table.show(largest, scoresOf(maps, H, W, size, box, width, aligned), n);
    smoothing.set(box);
    window.set(width);
    corners.input.checked = aligned;
    pick.select.value = n;
  });
  const paper = { smoothing: 1, window: model.get("default_window"), aligned: true };
  const released = { ...paper, smoothing: BOX };
  model.on("change", draw);
  root.append(
    controls(pick.node), element("div", { class: "grad-maps grad-three" }, image.node, ...boards.map((one) => one.node)), sum,
    controls(smoothing.node, window.node, corners.node, button("Paper", () => write(model, paper)), button("Released code", () => write(model, released))), table.node,
  );
  draw();
  return () => {
    model.off("change", draw);
    image.close();
  };
}

export default { render };
