import { BLUE, ORANGE, change, clamp, handle, plane, shape, formatted } from "./common.js";
import { histogram } from "./threshold_maths.js";

const BINS = 40;

/** About `most` round numbers between low and high, each with the digits it needs: [number, digits]. */
function ticks(low, high, most) {
  const rough = (high - low) / most, ten = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].find((n) => n * ten >= rough) * ten;
  const first = Math.ceil(low / step), digits = Math.max(-Math.floor(Math.log10(step)), 0);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => [(first + i) * step, digits]);
}

/** The lines and numbers of both axes; below the middle, images are counted downwards. */
function axesOf({ px, py }, [left, right], [bottom, top]) {
  const axes = shape("g", { class: "grad-axes", "aria-hidden": "true" });
  for (const [at, digits] of ticks(left, right, 6)) {
    axes.append(shape("line", { x1: px(at), x2: px(at), y1: py(top), y2: py(bottom) }));
    axes.append(shape("text", { x: px(at), y: py(bottom) + 16, "text-anchor": "middle" }, formatted(at, digits)));
  }
  for (const [at, digits] of ticks(bottom, top, 6)) {
    axes.append(shape("line", { x1: px(left), x2: px(right), y1: py(at), y2: py(at) }));
    axes.append(shape("text", { x: px(left) - 8, y: py(at) + 4, "text-anchor": "end" }, formatted(Math.abs(at), digits)));
  }
  return axes;
}

/** The bars of one label: normal (0) upwards and plain, defective (1) downwards and hatched. */
function barsOf({ px, py }, counts, edge, label) {
  const steps = counts.map((count, bin) => `M${px(edge(bin)).toFixed(1)} ${py(0)}V${py(label ? -count : count).toFixed(1)}H${px(edge(bin + 1)).toFixed(1)}V${py(0)}Z`);
  // ids must be unique on a page, and every figure runs a copy of this module, so counting would not do
  const colour = [BLUE, ORANGE][label], id = `grad-hatch-${Math.random().toString(36).slice(2)}`;
  const stripe = shape("rect", { width: label ? 3 : 6, height: 6, fill: colour });
  const pattern = shape("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, stripe);
  return [pattern, shape("path", { d: steps.join(""), fill: `url(#${id})`, stroke: colour })];
}

/**
 * Both histograms of scores, back to back, and a threshold that can be dragged: `at()` returns it, `to(x)` receives a new one.
 * `place(threshold, text)` draws it; `mark(letter, score, label)` adds the mark of an image.
 */
export function histograms({ scores, labels }, { at, to }) {
  const least = Math.min(...scores), most = Math.max(...scores), pad = 0.02 * (most - least) || 0.5;
  const [low, high] = [least - pad, most + pad], edge = (bin) => low + ((high - low) * bin) / BINS;
  const counts = [0, 1].map((label) => histogram(scores.filter((_, i) => labels[i] === label), low, high, BINS));
  const tallest = counts.map((row) => Math.max(...row)), lane = 0.36 * Math.max(...tallest);
  const [bottom, top] = [-tallest[1] - lane, tallest[0] + lane]; // lanes for the marks
  const area = plane({ height: 300, x: [low, high], y: [bottom, top], xTitle: "image score", yTitle: "photographs", label: "Image scores of normal and defective photographs, and a threshold" });
  const { px, py } = area, ends = { y: py(top), height: py(bottom) - py(top) };
  const called = shape("rect", { ...ends, class: "grad-called" });
  const line = shape("line", { y1: py(top), y2: py(bottom), stroke: "currentColor", "stroke-width": 2 });
  const titles = [
    shape("text", { x: px(high) - 4, y: py(top) + 14, "text-anchor": "end" }, "normal, upwards"),
    shape("text", { x: px(high) - 4, y: py(bottom) - 6, "text-anchor": "end" }, "defective, downwards"),
  ];
  const marks = shape("g");
  area.layer.append(axesOf(area, [low, high], [bottom, top]), called, ...counts.flatMap((row, label) => barsOf(area, row, edge, label)), ...titles, line, marks);
  const point = handle(area, { label: "threshold", colour: "currentColor", step: (high - low) / 200, at: () => [at(), 0], to: (x) => to(clamp(x, low, high)) });
  const place = (threshold, text) => {
    change(called, { x: px(threshold), width: Math.max(px(high) - px(threshold), 0) });
    change(line, { x1: px(threshold), x2: px(threshold) });
    point.place(threshold, 0, text);
  };
  const mark = (letter, score, label) => {
    const x = px(score), y = label ? py(bottom) - 34 : py(top) + 16;
    const sign = label ? shape("path", { d: `M${x} ${y - 16}l14 25h-28Z`, stroke: ORANGE }) : shape("circle", { cx: x, cy: y, r: 11, stroke: BLUE });
    marks.append(shape("g", { class: "grad-mark" }, sign, shape("text", { x, y: y + 5, "text-anchor": "middle" }, letter)));
  };
  return { svg: area.svg, place, mark, digits: Math.max(3 - Math.floor(Math.log10(high - low)), 0) };
}
