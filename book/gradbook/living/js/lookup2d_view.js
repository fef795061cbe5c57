import { GREEN, PINK, begin, button, change, clamp, cross, element, floats, handle, plane, shape, timed, formatted, write } from "./common.js";
import { ruleControls } from "./lookup_controls.js";
import { coordinateOf, corners, knotPosition } from "./lookup_maths.js";
import { featureAt, featuresAt, nearest } from "./lookup2d_maths.js";

const REACH = 1.2, MOST = 6; // the largest |c_1| and |c_2|, and the largest number of patches beside the plane

/** The square with the bank's dots, the knots, four discs for weights, and `count` marks for the nearest patches. */
function square(places, count) {
  const width = Math.min(370, innerWidth - 64);
  const area = plane({
    width, height: width - 8, x: [-REACH, REACH], y: [-REACH, REACH], xTicks: [-1, 0, 1], yTicks: [-1, 0, 1],
    xTitle: "coordinate 1", yTitle: "coordinate 2", label: "The local grid's knots, and where real patches lie",
  });
  for (let n = 0; n < places.length; n += 2) {
    area.layer.append(shape("circle", { cx: area.px(places[n]), cy: area.py(places[n + 1]), r: 3, class: "grad-faint" }));
  }
  const knots = shape("path", { stroke: "currentColor", fill: "none" });
  const discs = [0, 1, 2, 3].map(() => shape("circle", { fill: GREEN, "fill-opacity": 0.6 }));
  const marks = Array.from({ length: count }, (_, i) => shape("g", { "aria-hidden": "true" },
    shape("circle", { r: 6, fill: "none", stroke: PINK, "stroke-width": 2.5 }), shape("text", { x: 8, y: -6 }, String(i + 1))));
  area.layer.append(knots, ...discs, ...marks);
  return { area, knots, discs, marks };
}

/** Buttons for the `count` nearest patches; `go(number)` moves the point to a patch. */
function patchButtons(model, count, go) {
  const address = URL.createObjectURL(new Blob([model.get("patches")], { type: "image/webp" })), columns = model.get("columns");
  const slots = Array.from({ length: count }, () => {
    const image = element("span", { class: "grad-patch", style: `background: url(${address}); background-size: ${100 * columns}% auto` });
    const text = element("span"), node = button("", () => go(slot.number)), slot = { node, image, text, number: 0 };
    node.append(image, text);
    return slot;
  });
  const show = (patches) => patches.forEach(([number, distance], i) => {
    const slot = slots[i], [x, y] = [number % columns, Math.floor(number / columns)];
    slot.number = number;
    slot.image.style.backgroundPosition = `${(100 * x) / (columns - 1)}% calc(${-y} * var(--grad-side))`;
    slot.text.textContent = `${i + 1}: ${formatted(distance, 1)}`;
    slot.node.setAttribute("aria-label", `${i + 1}: ${formatted(distance, 1)}, patch ${number}; move the point to it`);
  });
  const node = element("div", { class: "grad-patches", role: "group", "aria-label": "patches with the nearest features" }, ...slots.map((s) => s.node));
  return { node, show, close: () => URL.revokeObjectURL(address) };
}

function render({ model, el }) {
  const root = begin(el, model, "lookup2d"), R = model.get("R");
  const G = floats(model.get("G")), K = G.length / R ** 2, places = floats(model.get("places")), own = model.get("grid_rules");
  const bank = featuresAt(G, K, places, R, { aligned: own.align_corners, padding: own.padding_mode });
  const count = Math.min(MOST, places.length / 2), { area, knots, discs, marks } = square(places, count);
  const move = (x, y) => write(model, { c: [x, y].map((coordinate) => clamp(coordinate, -REACH, REACH)) });
  const point = handle(area, { label: "coordinates c", step: 0.02, at: () => model.get("c"), to: move });
  const { node, show, close } = patchButtons(model, count, (n) => move(places[2 * n], places[2 * n + 1]));
  const sum = element("p", { class: "grad-sentence", "aria-live": "polite" });

  const rules = ruleControls(model);

  const draw = timed(() => {
    const aligned = model.get("align_corners"), padding = model.get("padding_mode"), c = model.get("c");
    const v = c.map((coordinate) => knotPosition(coordinate, R, aligned)), { rows, weights } = corners(v, R, padding);
    const at = (knot) => [area.px(coordinateOf(Math.floor(knot / R), R, aligned)), area.py(coordinateOf(knot % R, R, aligned))];
    change(knots, { d: Array.from({ length: R * R }, (_, knot) => at(knot)).map((place) => cross(...place)).join("") });
    discs.forEach((disc, n) => {
      const [cx, cy] = at(rows[n]);
      change(disc, { cx, cy, r: 20 * Math.sqrt(weights[n]) });
    });
    const patches = nearest(featureAt(G, K, c, R, { aligned, padding }), bank, count);
    patches.forEach(([n], i) => change(marks[i], { transform: `translate(${area.px(places[2 * n])} ${area.py(places[2 * n + 1])})` }));
    show(patches);
    const pair = (numbers, digits) => `(${numbers.map((number) => formatted(number, digits)).join(", ")})`;
    point.place(...c, `c ${pair(c, 2)}, nearest patch at squared distance ${formatted(patches[0][1], 1)}`);
    const terms = rows.map((row, n) => `${formatted(weights[n], 3)}\u00a0·\u00a0G[${Math.floor(row / R)},\u00a0${row % R}]`).join(" + ");
    sum.textContent = `c = ${pair(c, 3)}, v = ${pair(v, 3)}: ${terms}`;
    rules.show();
  });
  model.on("change", draw);
  const album = element("div", { class: "grad-nearest" }, element("p", {}, "Nearest patches, with the squared distance of their features to the one at c:"), node);
  root.append(element("div", { class: "grad-row" }, area.svg, album), sum, rules.node);
  draw();
  return () => { model.off("change", draw); close(); };
}

export default { render };
