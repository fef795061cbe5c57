import { GREEN, PINK, begin, button, change, clamp, cross, element, floats, handle, plane, shape, timed, told, write } from "./common.js";
import { ruleControls } from "./lookup_controls.js";
import { coordinateOf, corners, knotPosition } from "./lookup_maths.js";
import { featureAt, featuresAt, nearest } from "./lookup2d_maths.js";

const REACH = 1.2, SHOWN = 6; // how far beyond [-1, 1] one can read, and how many patches are shown at most

/** The square with the bank's dots, the knots, and what moves over them; count: patches that are marked. */
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

/** Buttons for the `count` nearest patches; `go(number)` is asked to read where a patch lies. */
function album(model, count, go) {
  const address = URL.createObjectURL(new Blob([model.get("sprite")], { type: "image/webp" })), columns = model.get("columns");
  const slots = Array.from({ length: count }, () => {
    const picture = element("span", { class: "grad-patch", style: `background: url(${address}); background-size: ${100 * columns}% auto` });
    const words = element("span"), node = button("", () => go(slot.number)), slot = { node, picture, words, number: 0 };
    node.append(picture, words);
    return slot;
  });
  const show = (found) => found.forEach(([number, distance], i) => {
    const slot = slots[i], [x, y] = [number % columns, Math.floor(number / columns)];
    slot.number = number;
    slot.picture.style.backgroundPosition = `${(100 * x) / (columns - 1)}% calc(${-y} * var(--grad-side))`;
    slot.words.textContent = `${i + 1}: ${told(distance, 1)}`;
    slot.node.setAttribute("aria-label", `${i + 1}: ${told(distance, 1)}, patch ${number}; read where it lies`);
  });
  const node = element("div", { class: "grad-patches", role: "group", "aria-label": "patches with the nearest features" }, ...slots.map((s) => s.node));
  return { node, show, close: () => URL.revokeObjectURL(address) };
}

function render({ model, el }) {
  const root = begin(el, model, "lookup2d"), R = model.get("R");
  const G = floats(model.get("G")), K = G.length / R ** 2, places = floats(model.get("places")), learnt = model.get("learnt");
  const bank = featuresAt(G, K, places, R, { aligned: learnt.align_corners, padding: learnt.padding_mode });
  const count = Math.min(SHOWN, places.length / 2), { area, knots, discs, marks } = square(places, count);
  const move = (x, y) => write(model, { c: [x, y].map((place) => clamp(place, -REACH, REACH)) });
  const point = handle(area, { label: "coordinates c", step: 0.02, at: () => model.get("c"), to: move });
  const { node, show, close } = album(model, count, (n) => move(places[2 * n], places[2 * n + 1]));
  const sum = element("p", { class: "grad-told", "aria-live": "polite" });

  const rules = ruleControls(model);

  const draw = timed(() => {
    const aligned = model.get("align_corners"), padding = model.get("padding_mode"), c = model.get("c");
    const v = c.map((place) => knotPosition(place, R, aligned)), { rows, weights } = corners(v, R, padding);
    const at = (knot) => [area.px(coordinateOf(Math.floor(knot / R), R, aligned)), area.py(coordinateOf(knot % R, R, aligned))];
    change(knots, { d: Array.from({ length: R * R }, (_, knot) => at(knot)).map((place) => cross(...place)).join("") });
    discs.forEach((disc, n) => {
      const [cx, cy] = at(rows[n]);
      change(disc, { cx, cy, r: 20 * Math.sqrt(weights[n]) });
    });
    const found = nearest(featureAt(G, K, c, R, { aligned, padding }), bank, count);
    found.forEach(([n], i) => change(marks[i], { transform: `translate(${area.px(places[2 * n])} ${area.py(places[2 * n + 1])})` }));
    show(found);
    const pair = (numbers, digits) => `(${numbers.map((number) => told(number, digits)).join(", ")})`;
    point.place(...c, `c ${pair(c, 2)}, nearest patch at squared distance ${told(found[0][1], 1)}`);
    const terms = rows.map((row, n) => `${told(weights[n], 3)}\u00a0·\u00a0G[${Math.floor(row / R)},\u00a0${row % R}]`).join(" + ");
    sum.textContent = `c = ${pair(c, 3)}, v = ${pair(v, 3)}: ${terms}`;
    rules.show();
  });
  model.on("change", draw);
  const found = element("div", { class: "grad-found" }, element("p", {}, "Nearest patches, with the squared distance between their features and the one that is read:"), node);
  root.append(element("div", { class: "grad-row" }, area.svg, found), sum, rules.node);
  draw();
  return () => { model.off("change", draw); close(); };
}

export default { render };
