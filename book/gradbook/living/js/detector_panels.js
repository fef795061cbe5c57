import { BLUE, ORANGE, change, cividis, cross, element, plane, shape, formatted } from "./common.js";
import { coordinateOf } from "./lookup_maths.js";

const COLOURS = Array.from({ length: 256 }, (_, i) => cividis(i / 255)), OPACITY = 0.6; // of the map's colours over the image

/** A bar for the score, with a line at the threshold; top: the score at its right end. */
export function gauge(threshold, top) {
  const width = Math.min(640, innerWidth - 56), at = (value) => 8 + (Math.min(value, top) / top) * (width - 16);
  const bar = shape("rect", { x: 8, y: 24, height: 16 });
  const svg = shape("svg", { viewBox: `0 0 ${width} 60`, class: "grad-gauge", role: "img", "aria-label": "the score beside the threshold" },
    shape("rect", { x: 8, y: 24, width: width - 16, height: 16, fill: "none", stroke: "currentColor", "stroke-opacity": 0.4 }), bar,
    shape("line", { x1: at(threshold), x2: at(threshold), y1: 18, y2: 46, stroke: "currentColor", "stroke-width": 2 }),
    shape("text", { x: at(threshold), y: 13, "text-anchor": "middle" }, `threshold ${formatted(threshold)}`),
    shape("text", { x: 8, y: 57 }, "0"), shape("text", { x: width - 8, y: 57, "text-anchor": "end" }, `${formatted(top, 0)} or more`));
  const show = (score) => {
    change(bar, { width: at(score) - 8, fill: score < threshold ? BLUE : ORANGE });
    change(svg, { "aria-label": `score ${formatted(score)} beside the threshold ${formatted(threshold)}` });
  };
  return { svg, show };
}

/** A canvas of side x side pixels with a heading and a text alternative. */
function canvasPanel(side, title) {
  const canvas = element("canvas", { width: side, height: side, role: "img", "aria-label": title });
  const node = element("div", {}, element("p", {}, title), canvas), context = canvas.getContext("2d");
  return { node, canvas, context, image: context.createImageData(side, side) };
}

/** The anomaly map over the image that the network was given; dark is 0, yellow is `top` or more. */
export function mapPanel(side, top) {
  const { node, canvas, context, image } = canvasPanel(side, `Anomaly map: dark 0, bright ${formatted(top, 0)} or more`);
  const show = (map, pixels) => {
    let largest = 0;
    for (let i = 0; i < map.length; i++) {
      const colour = COLOURS[Math.min(Math.max(Math.round((255 * map[i]) / top), 0), 255)];
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = OPACITY * colour[c] + (1 - OPACITY) * pixels[4 * i + c];
      image.data[4 * i + 3] = 255;
      if (map[i] > largest) largest = map[i];
    }
    context.putImageData(image, 0, 0);
    change(canvas, { "aria-label": `anomaly map over the photograph, largest value ${formatted(largest)}` });
  };
  return { node, show };
}

/** The decoded normal feature: three planes of numbers from 0 to 1. */
export function expectedPanel(side) {
  const { node, context, image } = canvasPanel(side, "What the detector expected, decoded");
  const show = (picture) => {
    for (let i = 0; i < side * side; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * picture[c * side * side + i];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
  return { node, show };
}

/** The plane of local coordinates: crosses at R x R knots, a dot for each place of the map, a diamond for a painted one. */
export function placesPanel(R) {
  const knots = Array.from({ length: R }, (_, i) => coordinateOf(i, R));
  const width = Math.min(340, innerWidth - 56), label = "The local grid's knots, and where the photograph's patches lie";
  const area = plane({ width, height: width - 8, x: [-1.08, 1.08], y: [-1.08, 1.08], xTicks: [-1, 0, 1], yTicks: [-1, 0, 1], xTitle: "coordinate 1", yTitle: "coordinate 2", label });
  const crosses = knots.flatMap((x) => knots.map((y) => cross(area.px(x), area.py(y)))).join("");
  const dots = shape("path", { fill: BLUE, stroke: "var(--grad-paper)", "stroke-width": 0.4 });
  const diamonds = shape("path", { fill: ORANGE, stroke: "var(--grad-paper)", "stroke-width": 0.7 });
  area.layer.append(shape("path", { d: crosses, stroke: "currentColor", "stroke-opacity": 0.5, fill: "none" }), dots, diamonds);
  const show = (local, painted) => {
    const patches = local.length / 2, marks = ["", ""];
    for (let i = 0; i < patches; i++) {
      const x = area.px(local[i]).toFixed(1), y = area.py(local[patches + i]).toFixed(1);
      marks[painted[i]] += painted[i] ? `M${x} ${y}m0 -6l6 6l-6 6l-6 -6z` : `M${x} ${y}m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`;
    }
    change(dots, { d: marks[0] });
    change(diamonds, { d: marks[1] });
  };
  const node = element("div", {}, element("p", {}, "Local coordinates: dots are patches, diamonds the painted ones, crosses knots"), area.svg);
  return { node, show };
}
