import { BLUE, GREEN, begin, change, clamp, element, handle, plane, shape, timed, formatted, write } from "./common.js";
import { ruleControls } from "./lookup_controls.js";
import { coordinateOf, corners, interpolate, knotPosition } from "./lookup_maths.js";

const REACH = 1.4, POINTS = 281; // the largest |c|, and the number of points of the curve

function render({ model, el }) {
  const root = begin(el, model, "grid1d"), top = 1;
  const area = plane({
    x: [-REACH, REACH], y: [-0.1, top + 0.1], xTicks: [-1, -0.5, 0, 0.5, 1], yTicks: [0, 0.5, 1],
    xTitle: "coordinate c", yTitle: "output", label: "The table's entries, and the interpolation between them",
  });
  const curve = shape("path", { fill: "none", stroke: BLUE, "stroke-width": 2 });
  const stem = shape("line", { stroke: "currentColor", "stroke-dasharray": "4 4" });
  const stakes = [0, 1].map(() => shape("line", { stroke: GREEN, "stroke-width": 7, "stroke-opacity": 0.55 }));
  area.layer.append(...stakes, curve, stem);
  const sum = element("p", { class: "grad-sentence", "aria-live": "polite" });

  const traits = () => ({ aligned: model.get("align_corners"), padding: model.get("padding_mode"), G: model.get("G") });
  const read = (c) => {
    const { aligned, padding, G } = traits(), v = knotPosition(c, G.length, aligned);
    return { v, ...corners([v], G.length, padding), out: interpolate(G, 1, [v], G.length, padding)[0] };
  };
  const move = (c) => { write(model, { c: clamp(c, -REACH, REACH) }); };
  const point = handle(area, { label: "coordinate c", step: 0.02, at: () => [model.get("c"), 0], to: (c) => move(c) });
  const knots = model.get("G").map((_, i) => handle(area, {
    label: `entry ${i}`, colour: BLUE, step: 0.02, ends: area.y,
    at: () => [0, model.get("G")[i]],
    to: (_x, y) => { write(model, { G: model.get("G").map((g, j) => (j === i ? clamp(y, 0, top) : g)) }); },
  }));

  const rules = ruleControls(model);

  const draw = timed(() => {
    const { aligned, G } = traits(), c = model.get("c"), { v, rows, weights, out } = read(c);
    const line = Array.from({ length: POINTS }, (_, i) => (2 * REACH * i) / (POINTS - 1) - REACH);
    change(curve, { d: line.map((at, i) => `${i ? "L" : "M"}${area.px(at).toFixed(1)} ${area.py(read(at).out).toFixed(1)}`).join("") });
    knots.forEach((knot, i) => knot.place(coordinateOf(i, G.length, aligned), G[i], `entry ${i} is ${formatted(G[i])}`, G[i]));
    point.place(c, out, `c ${formatted(c)}, output ${formatted(out, 3)}`);
    change(stem, { x1: area.px(c), x2: area.px(c), y1: area.py(0), y2: area.py(out) });
    stakes.forEach((stake, n) => {
      const at = area.px(coordinateOf(rows[n], G.length, aligned));
      change(stake, { x1: at, x2: at, y1: area.py(0), y2: area.py(weights[n]), visibility: weights[n] ? "visible" : "hidden" });
    });
    const terms = rows.map((row, n) => `${formatted(weights[n], 3)} · G[${row}]`).join(" + ");
    sum.textContent = `c = ${formatted(c)}, v = ${formatted(v, 3)}: ${terms} = ${formatted(out, 3)}`;
    rules.show();
  });
  model.on("change", draw);
  root.append(area.svg, sum, rules.node);
  draw();
  return () => model.off("change", draw);
}

export default { render };
