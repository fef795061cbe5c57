import { ORANGE, begin, button, change, choice, cividis, controls, element, floats, plane, shape, slider, timed, formatted, write } from "./common.js";
import { coordinateOf } from "./lookup_maths.js";
import { footprint, jittered, stepNoise, summary, touched } from "./jitter_maths.js";

const MOST = 200; // draws

/** A plane of R x R cells, one around each knot: `paint` colours and labels them, `dot` draws patches over them. */
function board(title, R) {
  const half = 1 / (R - 1), ends = [-1 - half, 1 + half], width = Math.min(330, innerWidth - 64);
  const area = plane({ width, height: width - 8, x: ends, y: ends, xTicks: [-1, 0, 1], yTicks: [-1, 0, 1], xTitle: "coordinate 1", yTitle: "coordinate 2", label: title });
  const size = area.px(1) - area.px(1 - 2 * half);
  const cells = Array.from({ length: R * R }, (_, knot) => {
    const x = area.px(coordinateOf(Math.floor(knot / R), R)), y = area.py(coordinateOf(knot % R, R));
    const rect = shape("rect", { x: x - size / 2 + 0.5, y: y - size / 2 + 0.5, width: size - 1, height: size - 1 });
    const label = shape("text", { x, y: y + 4, "text-anchor": "middle" });
    area.layer.append(rect, label);
    return { rect, label };
  });
  const dots = shape("path", { fill: "none", stroke: ORANGE, "stroke-width": 5, "stroke-linecap": "round" });
  area.layer.append(dots);
  const paint = (weights, top, numbers) => cells.forEach(({ rect, label }, knot) => {
    const share = Math.sqrt(weights[knot] / top);
    change(rect, weights[knot] ? { fill: `rgb(${cividis(share)})`, class: "" } : { fill: "", class: "grad-untouched" });
    label.textContent = numbers && weights[knot] ? short(weights[knot]) : "";
    label.style.fill = share > 0.57 ? "#000" : "#fff";
  });
  const dot = (places) => {
    let path = "";
    for (let i = 0; i < places.length; i += 2) path += `M${area.px(places[i]).toFixed(1)} ${area.py(places[i + 1]).toFixed(1)}h0`;
    change(dots, { d: path });
  };
  return { node: element("div", { class: "grad-board" }, element("p", {}, title), area.svg), paint, dot };
}

/** A weight in at most four characters. */
const short = (weight) => (weight < 0.005 ? "<.01" : formatted(weight, weight < 10 ? 2 : weight < 100 ? 1 : 0));

/** The places of each named set of patches, N x 2, flat. */
function placesBySet(model) {
  const all = floats(model.get("places"));
  let start = 0;
  return model.get("counts").map((count) => all.subarray(2 * start, 2 * (start += count)));
}

/** The counts as a sentence; before: the footprint without jitter, then the result of summary(). */
function sentence(before, { each, any, distances }) {
  const of = (n) => `${n} of ${before.length} knots (${formatted((100 * n) / before.length, 0)} %)`;
  const range = (numbers, digits, ends = digits) => `${formatted(numbers.reduce((sum, n) => sum + n, 0) / numbers.length, digits)} on average `
    + `(${formatted(Math.min(...numbers), ends)} to ${formatted(Math.max(...numbers), ends)})`;
  const without = `Without jitter a step touches ${of(touched(before))}.`, differ = "weights differ from those without jitter by";
  if (each.length === 1) return `${without} With jitter this draw touches ${of(any)}; its ${differ} ${formatted(distances[0])}.`;
  return `${without} With jitter a step touches ${range(each, 1, 0)}, the ${each.length} draws together ${of(any)}; a step's ${differ} ${range(distances, 2)}.`;
}

/** The random numbers of `count` steps, reused while only the strength of the jitter changes. */
function noiseSupply() {
  let noise = [], key = "";
  return (seed, N, per, count) => {
    if (key !== `${seed} ${N} ${per}`) noise = [];
    key = `${seed} ${N} ${per}`;
    while (noise.length < count) noise.push(stepNoise(seed * MOST + noise.length, N, per));
    return noise.slice(0, count);
  };
}

/** The controls: each writes a trait, and `show` updates them from the traits. */
function knobsOf(model) {
  const set = (name) => (value) => write(model, { [name]: value });
  const patches = choice({ name: "patches", options: model.get("names").map((name, i) => [String(i), name]), value: String(model.get("selected")), onChange: (i) => set("selected")(Number(i)) });
  const std = slider({ name: "noise σ", min: 0, max: 0.5, step: 0.01, value: model.get("std"), onInput: set("std") });
  const fraction = slider({ name: "fraction moved", min: 0, max: 1, step: 0.05, value: model.get("fraction"), onInput: set("fraction") });
  const draws = slider({ name: "draws", min: 1, max: MOST, step: 1, value: model.get("draws"), format: (n) => formatted(n, 0), onInput: set("draws") });
  const per = choice({ name: "one coin", options: [["pixel", "for each patch (paper)"], ["batch", "for all (released code)"]], value: model.get("per"), onChange: set("per") });
  const display = choice({ name: "show", options: [["weights", "weights"], ["patches", "patches of the last draw"]], value: model.get("display"), onChange: set("display") });
  const again = button("new draw", () => write(model, { seed: model.get("seed") + 1 }));
  const show = () => {
    for (const [name, { set: move }] of Object.entries({ std, fraction, draws })) move(model.get(name));
    for (const [name, { select }] of Object.entries({ selected: patches, per, display })) select.value = model.get(name);
  };
  return { node: controls(patches.node, display.node, std.node, fraction.node, draws.node, per.node, again), show };
}

function render({ model, el }) {
  const root = begin(el, model, "jitter"), R = model.get("R"), places = placesBySet(model), noiseOf = noiseSupply();
  const still = board("without jitter", R), moved = board("with jitter", R), line = element("p", { class: "grad-sentence", "aria-live": "polite" });
  const knobs = knobsOf(model);

  const redraw = timed(() => {
    const patches = places[model.get("selected")], numbers = model.get("display") === "weights";
    const noise = noiseOf(model.get("seed"), patches.length / 2, model.get("per"), model.get("draws"));
    const steps = noise.map((one) => jittered(patches, one, model.get("std"), model.get("fraction")));
    const before = footprint(patches, R), after = summary(steps.map((step) => footprint(step, R)), before);
    const top = Math.max(...before, ...after.mean);
    still.paint(before, top, numbers);
    moved.paint(after.mean, top, numbers);
    still.dot(numbers ? [] : patches);
    moved.dot(numbers ? [] : steps.at(-1));
    line.textContent = sentence(before, after);
    knobs.show();
  });
  model.on("change", redraw);
  root.append(element("div", { class: "grad-row" }, still.node, moved.node), line, knobs.node);
  redraw();
  return () => model.off("change", redraw);
}

export default { render };
