import { BLUE, GREEN, ORANGE, PINK, change, cividis, clamp, cross, element, handle, plane, shape, formatted } from "./common.js";
import { coordinateOf } from "./lookup_maths.js";
import { nearest } from "./explorer_maths.js";

// The two planes of coordinates: images between the knots of the global grid, patches between those of the local grid.

const COLOURS = [BLUE, ORANGE, GREEN, PINK], FORMS = ["circle", "triangle", "square", "diamond"];
const NEAR = { mouse: 14, finger: 26 }; // drawing units from a point within which a pointer selects it

/** The path of a mark with radius r centred at (x, y). */
function outline(form, x, y, r) {
  if (form === "circle") return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  const turn = { triangle: [-90, 30, 150], square: [45, 135, 225, 315], diamond: [0, 90, 180, 270] }[form];
  const corners = turn.map((degrees) => [x + 1.25 * r * Math.cos((degrees * Math.PI) / 180), y + 1.25 * r * Math.sin((degrees * Math.PI) / 180)]);
  return `M${corners.map((at) => at.map((v) => v.toFixed(1)).join(" ")).join("L")}z`;
}

/** The mark of a category and label: colour and form by category, filled if defective. */
function mark(number, label) {
  const colour = COLOURS[number % COLOURS.length];
  return { form: FORMS[number % FORMS.length], look: { stroke: colour, fill: label ? colour : "none", "fill-opacity": 0.6, "stroke-width": 1.1 } };
}

/** A square plane from -1 to 1 with the R x R knots of a grid. */
function square(R, name, label) {
  const side = Math.min(340, innerWidth - 56), ends = [-1.06, 1.06];
  const area = plane({
    width: side, height: side - 8, x: ends, y: ends, xTicks: [-1, 0, 1], yTicks: [-1, 0, 1],
    xTitle: `${name}, coordinate 1`, yTitle: `${name}, coordinate 2`, label,
  });
  const at = Array.from({ length: R }, (_, knot) => coordinateOf(knot, R));
  const d = at.flatMap((x) => at.map((y) => cross(area.px(x), area.py(y)))).join("");
  area.layer.append(shape("path", { d, class: "grad-knots" }));
  return area;
}

/** Call over(number) for the point under the mouse, -1 for none, and pick(number) for one that is clicked or tapped. */
function listen(area, points, { over, pick }) {
  const unit = area.px(1) - area.px(0);
  const find = (event, reach) => (event.target.closest(".grad-handle") ? -1 : nearest(...points(), ...area.data(event), reach / unit));
  area.svg.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") over(find(event, NEAR.mouse)); });
  area.svg.addEventListener("pointerleave", () => over(-1));
  area.svg.addEventListener("click", (event) => {
    const number = find(event, event.pointerType === "mouse" ? NEAR.mouse : NEAR.finger);
    if (number >= 0) pick(number);
  });
}

/** All images at their v^g, and the free point; `draw({ seen, selected, free })`. */
export function globalPlane(space, { over, pick, move, free }) {
  const area = square(space.knots[1], "vᵍ", "Global plane: one point for each photograph");
  for (const group of space.groups) {
    const { form, look } = mark(group.number, group.label);
    const d = group.members.map((i) => outline(form, area.px(space.x[i]), area.py(space.y[i]), 3)).join("");
    area.layer.append(shape("path", { d, ...look }));
  }
  const line = shape("line", { class: "grad-walk" }), ring = shape("circle", { r: 12, class: "grad-spot" });
  area.layer.append(line, ring);
  const limit = (v) => clamp(v, -1, 1);
  const point = handle(area, { label: "free point", colour: PINK, step: 0.02, at: free, to: (x, y) => move([limit(x), limit(y)]) });
  listen(area, () => [space.x, space.y], { over, pick });
  const draw = ({ seen, selected, free: [x, y] }) => {
    change(ring, { cx: area.px(space.x[seen]), cy: area.py(space.y[seen]) });
    change(line, { x1: area.px(space.x[selected]), y1: area.py(space.y[selected]), x2: area.px(x), y2: area.py(y) });
    point.place(x, y, `coordinate 1 ${formatted(x)}, coordinate 2 ${formatted(y)}`);
  };
  return { node: area.svg, draw };
}

/** All patches of one image at their v^l, larger and brighter with larger d; `draw({ local, d, patch })`. */
export function localPlane(space, { over, pick }) {
  const area = square(space.knots[0], "vˡ", "Local plane: one point for each patch of the photograph");
  const spots = Array.from({ length: space.patches }, () => shape("circle", { class: "grad-patch-spot" }));
  const ring = shape("circle", { r: 10, class: "grad-spot" });
  area.layer.append(...spots, ring);
  let xs = [], ys = [];
  listen(area, () => [xs, ys], { over, pick });
  const draw = ({ local, d, patch }) => {
    xs = local.subarray(0, space.patches);
    ys = local.subarray(space.patches);
    spots.forEach((spot, i) => {
      const share = Math.min(d[i] / space.bright, 1);
      change(spot, { cx: area.px(xs[i]), cy: area.py(ys[i]), r: 2.5 + 6 * share, fill: `rgb(${cividis(share)})` });
    });
    change(ring, { cx: area.px(xs[patch]), cy: area.py(ys[patch]) });
  };
  return { node: area.svg, draw };
}

/** The legend of the global plane. */
export function legend(space) {
  const entry = (node, text) => element("li", {}, shape("svg", { viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" }, node), ` ${text}`);
  const groups = space.groups.map(({ number, label, name }) => {
    const { form, look } = mark(number, label);
    return entry(shape("path", { d: outline(form, 7, 7.5, 4.5), ...look }), name);
  });
  const knot = shape("path", { d: cross(7, 7), class: "grad-knots" });
  return element("ul", { class: "grad-legend" }, ...groups, entry(knot, "knots of the grid"), entry(shape("circle", { cx: 7, cy: 7, r: 5, fill: PINK }), "free point"));
}
