import { ORANGE, begin, button, change, choice, cividis, controls, element, floats, plane, shape, slider, timed, told, write } from "./common.js";
import { coordinateOf } from "./lookup_maths.js";
import { drawn, footprint, jittered, summary, touched } from "./jitter_maths.js";

const MOST = 200; // draws

/** A plane of R x R cells, one around each knot: `paint` colours and words them, `dot` puts patches over them. */
function board(title, R) {
  const half = 1 / (R - 1), ends = [-1 - half, 1 + half], width = Math.min(330, innerWidth - 64);
  const area = plane({ width, height: width - 8, x: ends, y: ends, xTicks: [-1, 0, 1], yTicks: [-1, 0, 1], xTitle: "coordinate 1", yTitle: "coordinate 2", label: title });
  const size = area.px(1) - area.px(1 - 2 * half);
  const cells = Array.from({ length: R * R }, (_, knot) => {
    const x = area.px(coordinateOf(Math.floor(knot / R), R)), y = area.py(coordinateOf(knot % R, R));
    const rect = shape("rect", { x: x - size / 2 + 0.5, y: y - size / 2 + 0.5, width: size - 1, height: size - 1 });
    const words = shape("text", { x, y: y + 4, "text-anchor": "middle" });
    area.layer.append(rect, words);
    return { rect, words };
  });
  const dots = shape("path", { fill: "none", stroke: ORANGE, "stroke-width": 5, "stroke-linecap": "round" });
  area.layer.append(dots);
  const paint = (weights, top, numbers) => cells.forEach(({ rect, words }, knot) => {
    const share = Math.sqrt(weights[knot] / top);
    change(rect, weights[knot] ? { fill: `rgb(${cividis(share)})`, class: "" } : { fill: "", class: "grad-untouched" });
    words.textContent = numbers && weights[knot] ? short(weights[knot]) : "";
    words.style.fill = share > 0.57 ? "#000" : "#fff";
  });
  const dot = (places) => {
    let path = "";
    for (let i = 0; i < places.length; i += 2) path += `M${area.px(places[i]).toFixed(1)} ${area.py(places[i + 1]).toFixed(1)}h0`;
    change(dots, { d: path });
  };
  return { node: element("div", { class: "grad-board" }, element("p", {}, title), area.svg), paint, dot };
}

/** A weight in at most four signs. */
const short = (weight) => (weight < 0.005 ? "<.01" : told(weight, weight < 10 ? 2 : weight < 100 ? 1 : 0));

/** The parts of a Bytes trait that hold the places of each named set of patches. */
function sets(model) {
  const all = floats(model.get("places"));
  let start = 0;
  return model.get("counts").map((count) => all.subarray(2 * start, 2 * (start += count)));
}

/** The counts in words; before: the footprint without jitter, found: what summary() gives. */
function sentence(before, { each, ever, apart }) {
  const of = (n) => `${n} of ${before.length} knots (${told((100 * n) / before.length, 0)} %)`;
  const range = (numbers, digits, ends = digits) => `${told(numbers.reduce((sum, n) => sum + n, 0) / numbers.length, digits)} on average `
    + `(${told(Math.min(...numbers), ends)} to ${told(Math.max(...numbers), ends)})`;
  const still = `Without jitter a step touches ${of(touched(before))}.`, far = "weights differ from those without jitter by";
  if (each.length === 1) return `${still} With jitter this draw touches ${of(ever)}; its ${far} ${told(apart[0])}.`;
  return `${still} With jitter a step touches ${range(each, 1, 0)}, the ${each.length} draws together ${of(ever)}; a step's ${far} ${range(apart, 2)}.`;
}

/** What steps draw, kept while only the strength of the jitter changes. */
function supply() {
  let kept = [], key = "";
  return (seed, N, per, count) => {
    if (key !== `${seed} ${N} ${per}`) kept = [];
    key = `${seed} ${N} ${per}`;
    while (kept.length < count) kept.push(drawn(seed * MOST + kept.length, N, per));
    return kept.slice(0, count);
  };
}

/** The knobs: every one writes a trait, and `show` sets them to the traits. */
function panel(model) {
  const set = (name) => (value) => write(model, { [name]: value });
  const patches = choice({ name: "patches", options: model.get("names").map((name, i) => [String(i), name]), value: String(model.get("chosen")), onChange: (i) => set("chosen")(Number(i)) });
  const std = slider({ name: "noise σ", min: 0, max: 0.5, step: 0.01, value: model.get("std"), onInput: set("std") });
  const fraction = slider({ name: "fraction moved", min: 0, max: 1, step: 0.05, value: model.get("fraction"), onInput: set("fraction") });
  const draws = slider({ name: "draws", min: 1, max: MOST, step: 1, value: model.get("draws"), show: (n) => told(n, 0), onInput: set("draws") });
  const per = choice({ name: "one coin", options: [["pixel", "for each patch (paper)"], ["batch", "for all (released code)"]], value: model.get("per"), onChange: set("per") });
  const inside = choice({ name: "show", options: [["weights", "weights"], ["patches", "patches of the last draw"]], value: model.get("inside"), onChange: set("inside") });
  const again = button("new draw", () => write(model, { seed: model.get("seed") + 1 }));
  const show = () => {
    for (const [name, { set: move }] of Object.entries({ std, fraction, draws })) move(model.get(name));
    for (const [name, { select }] of Object.entries({ chosen: patches, per, inside })) select.value = model.get(name);
  };
  return { node: controls(patches.node, inside.node, std.node, fraction.node, draws.node, per.node, again), show };
}

function render({ model, el }) {
  const root = begin(el, model, "jitter"), R = model.get("R"), places = sets(model), draw = supply();
  const still = board("without jitter", R), moved = board("with jitter", R), words = element("p", { class: "grad-told", "aria-live": "polite" });
  const knobs = panel(model);

  const redraw = timed(() => {
    const here = places[model.get("chosen")], numbers = model.get("inside") === "weights";
    const steps = draw(model.get("seed"), here.length / 2, model.get("per"), model.get("draws"));
    const went = steps.map((step) => jittered(here, step, model.get("std"), model.get("fraction")));
    const before = footprint(here, R), found = summary(went.map((step) => footprint(step, R)), before);
    const top = Math.max(...before, ...found.mean);
    still.paint(before, top, numbers);
    moved.paint(found.mean, top, numbers);
    still.dot(numbers ? [] : here);
    moved.dot(numbers ? [] : went.at(-1));
    words.textContent = sentence(before, found);
    knobs.show();
  });
  model.on("change", redraw);
  root.append(element("div", { class: "grad-row" }, still.node, moved.node), words, knobs.node);
  redraw();
  return () => model.off("change", redraw);
}

export default { render };
