import { BLUE, ORANGE, change, clamp, handle, plane, shape, told } from "./common.js";
import { histogram } from "./threshold_maths.js";

const BINS = 40;

/** Round numbers between two ends, about `most` of them, with as many digits as they need. */
function ticks(low, high, most) {
  const rough = (high - low) / most, ten = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].find((n) => n * ten >= rough) * ten;
  const first = Math.ceil(low / step), digits = Math.max(-Math.floor(Math.log10(step)), 0);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => [(first + i) * step, digits]);
}

/** The lines and numbers of both axes; below the middle the photographs are counted downwards. */
function axesOf({ px, py }, [left, right], [bottom, top]) {
  const axes = shape("g", { class: "grad-axes", "aria-hidden": "true" });
  for (const [at, digits] of ticks(left, right, 6)) {
    axes.append(shape("line", { x1: px(at), x2: px(at), y1: py(top), y2: py(bottom) }));
    axes.append(shape("text", { x: px(at), y: py(bottom) + 16, "text-anchor": "middle" }, told(at, digits)));
  }
  for (const [at, digits] of ticks(bottom, top, 6)) {
    axes.append(shape("line", { x1: px(left), x2: px(right), y1: py(at), y2: py(at) }));
    axes.append(shape("text", { x: px(left) - 8, y: py(at) + 4, "text-anchor": "end" }, told(Math.abs(at), digits)));
  }
  return axes;
}

/** One kind's bars: normal (0) upwards and plain, defective (1) downwards and hatched. */
function barsOf({ px, py }, counts, edge, kind) {
  const steps = counts.map((count, bin) => `M${px(edge(bin)).toFixed(1)} ${py(0)}V${py(kind ? -count : count).toFixed(1)}H${px(edge(bin + 1)).toFixed(1)}V${py(0)}Z`);
  // ids must differ on a page, where every figure runs a copy of this module and could not count the others' patterns
  const colour = [BLUE, ORANGE][kind], id = `grad-hatch-${Math.random().toString(36).slice(2)}`;
  const stripe = shape("rect", { width: kind ? 3 : 6, height: 6, fill: colour });
  const pattern = shape("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, stripe);
  return [pattern, shape("path", { d: steps.join(""), fill: `url(#${id})`, stroke: colour })];
}

/**
 * Both histograms of scores, back to back, and a threshold that can be dragged: `at()` is where it is, `to(x)` is told where.
 * `place(threshold, words)` draws it, `mark(letter, score, kind)` adds a photograph's place.
 */
export function histograms({ scores, labels }, { at, to }) {
  const least = Math.min(...scores), most = Math.max(...scores), pad = 0.02 * (most - least) || 0.5;
  const [low, high] = [least - pad, most + pad], edge = (bin) => low + ((high - low) * bin) / BINS;
  const counts = [0, 1].map((kind) => histogram(scores.filter((_, i) => labels[i] === kind), low, high, BINS));
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
  area.layer.append(axesOf(area, [low, high], [bottom, top]), called, ...counts.flatMap((row, kind) => barsOf(area, row, edge, kind)), ...titles, line, marks);
  const point = handle(area, { label: "threshold", colour: "currentColor", step: (high - low) / 200, at: () => [at(), 0], to: (x) => to(clamp(x, low, high)) });
  const place = (threshold, words) => {
    change(called, { x: px(threshold), width: Math.max(px(high) - px(threshold), 0) });
    change(line, { x1: px(threshold), x2: px(threshold) });
    point.place(threshold, 0, words);
  };
  const mark = (letter, score, kind) => {
    const x = px(score), y = kind ? py(bottom) - 34 : py(top) + 16;
    const sign = kind ? shape("path", { d: `M${x} ${y - 16}l14 25h-28Z`, stroke: ORANGE }) : shape("circle", { cx: x, cy: y, r: 11, stroke: BLUE });
    marks.append(shape("g", { class: "grad-mark" }, sign, shape("text", { x, y: y + 5, "text-anchor": "middle" }, letter)));
  };
  return { svg: area.svg, place, mark, digits: Math.max(3 - Math.floor(Math.log10(high - low)), 0) };
}
