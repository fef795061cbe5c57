import { GREEN, PINK, begin, button, change, choice, clamp, controls, element, floats, handle, plane, shape, timed, toggle, told, write } from "./common.js";
import { coordinateOf, corners, knotPosition } from "./lookup_maths.js";
import { featureAt, featuresAt, nearest } from "./lookup2d_maths.js";

const REACH = 1.2, SHOWN = 6; // how far beyond [-1, 1] one can read, and how many patches are shown

/** The square with the bank's dots, the knots, and what moves over them. */
function square(places) {
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
  const marks = Array.from({ length: SHOWN }, (_, i) => shape("g", { "aria-hidden": "true" },
    shape("circle", { r: 6, fill: "none", stroke: PINK, "stroke-width": 2.5 }), shape("text", { x: 8, y: -6 }, String(i + 1))));
  area.layer.append(knots, ...discs, ...marks);
  return { area, knots, discs, marks };
}

/** Buttons for the nearest patches; `go(number)` is asked to read where a patch lies. */
function album(model, go) {
  const address = URL.createObjectURL(new Blob([model.get("sprite")], { type: "image/webp" })), columns = model.get("columns");
  const slots = Array.from({ length: SHOWN }, () => {
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
  const { area, knots, discs, marks } = square(places);
  const move = (x, y) => write(model, { c: [x, y].map((place) => clamp(place, -REACH, REACH)) });
  const point = handle(area, { label: "coordinates c", step: 0.02, at: () => model.get("c"), to: move });
  const { node, show, close } = album(model, (n) => move(places[2 * n], places[2 * n + 1]));
  const sum = element("p", { class: "grad-told", "aria-live": "polite" });

  const draw = timed(() => {
    const aligned = model.get("align_corners"), padding = model.get("padding_mode"), c = model.get("c");
    const v = c.map((place) => knotPosition(place, R, aligned)), { rows, weights } = corners(v, R, padding);
    const at = (knot) => [area.px(coordinateOf(Math.floor(knot / R), R, aligned)), area.py(coordinateOf(knot % R, R, aligned))];
    change(knots, { d: Array.from({ length: R * R }, (_, knot) => at(knot)).map(([x, y]) => `M${x - 4} ${y}h8m-4 -4v8`).join("") });
    discs.forEach((disc, n) => {
      const [cx, cy] = at(rows[n]);
      change(disc, { cx, cy, r: 20 * Math.sqrt(weights[n]) });
    });
    const found = nearest(featureAt(G, K, c, R, { aligned, padding }), bank, SHOWN);
    found.forEach(([n], i) => change(marks[i], { transform: `translate(${area.px(places[2 * n])} ${area.py(places[2 * n + 1])})` }));
    show(found);
    const pair = (numbers, digits) => `(${numbers.map((number) => told(number, digits)).join(", ")})`;
    point.place(...c, `c ${pair(c, 2)}, nearest patch at squared distance ${told(found[0][1], 1)}`);
    const terms = rows.map((row, n) => `${told(weights[n], 3)}\u00a0·\u00a0G[${Math.floor(row / R)},\u00a0${row % R}]`).join(" + ");
    sum.textContent = `c = ${pair(c, 3)}, v = ${pair(v, 3)}: ${terms}`;
  });
  const align = toggle({ name: "outermost knots at −1 and 1", value: model.get("align_corners"), onChange: (on) => write(model, { align_corners: on }) });
  const padding = choice({
    name: "beyond the ends", options: [["border", "hold the last value"], ["zeros", "count as 0"]],
    value: model.get("padding_mode"), onChange: (rule) => write(model, { padding_mode: rule }),
  });
  model.on("change", draw);
  const found = element("div", { class: "grad-found" }, element("p", {}, "Nearest patches, with the squared distance between their features and the one that is read:"), node);
  root.append(element("div", { class: "grad-row" }, area.svg, found), sum, controls(align.node, padding.node));
  draw();
  return () => { model.off("change", draw); close(); };
}

export default { render };
