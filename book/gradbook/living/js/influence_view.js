import { ORANGE, begin, bytes, change, choice, clamp, controls, element, handle, heatmap, plane, shape, timed, formatted, write } from "./common.js";
import { imageSheet } from "./image_sheet.js";
import { column, decoded, outline, windowOf } from "./influence_maths.js";

const OUTLINED = 0.1; // share of the largest change from which a cell is outlined

/** The image with the point, the receptive field, the covered patch and an outline; `pick(x, y)`: pixels from the upper left. */
function scene(model, S, step, at, pick) {
  const sheet = imageSheet(model, S, 1);
  const area = plane({ width: 300, height: 300, x: [0, S], y: [0, S], edge: 0, label: "The photograph; the point chooses a place or a patch" });
  const scale = 300 / S, image = shape("svg", { width: 300, height: 300, viewBox: `0 0 ${S} ${S}` }, shape("image", { href: sheet.address, width: S, height: S }));
  const box = shape("rect", { fill: "none", stroke: "#fff", "stroke-width": 2, "stroke-dasharray": "6 5" });
  const grey = shape("rect", { fill: "#888", stroke: "#fff" }), lines = shape("path", { fill: "none", stroke: ORANGE, "stroke-width": 2.5 });
  area.layer.append(image, grey, box, lines);
  const point = handle(area, { label: "point", step, ends: [0, S * S - 1], at: () => [at()[0], S - at()[1]], to: (x, y) => pick(x, S - y) });
  const frame = (node, spot) => change(node, spot ? { x: scale * spot[0], y: scale * spot[1], width: scale * spot[2], height: scale * spot[3], visibility: "visible" } : { visibility: "hidden" });
  const show = ({ x, y, text, now, window, covered, edges, cell }) => {
    point.place(x, S - y, text, now);
    frame(box, window);
    frame(grey, covered);
    const unit = (value) => (scale * cell * value).toFixed(1);
    change(lines, { d: edges.map(([a, b, c, d]) => `M${unit(a)} ${unit(b)}L${unit(c)} ${unit(d)}`).join("") });
  };
  return { node: element("div", { class: "grad-map grad-board" }, element("p", {}, "photograph"), area.svg), show, close: sheet.close };
}

/** The map of one of the two modes. */
function changeMap(side, title) {
  const { canvas, paint } = heatmap(side, side, title);
  const node = element("div", { class: "grad-map grad-board" }, element("p", {}, title), canvas);
  const show = (values, top) => {
    paint(values, 0, top);
    change(canvas, { "aria-label": `${title}: 0 to ${formatted(top)} standard deviations` });
  };
  return { node, show };
}

/** What is covered or seen, and how many cells of the map are outlined. */
function sentence({ cover, row, col, window, patch, count, side, top }) {
  const part = `${count} of ${side * side}`, size = `the largest change, ${formatted(top)} standard deviations`;
  const range = (first, last) => `${first} to ${last}`;
  if (cover) {
    const from = [row * patch, col * patch];
    return `Rows ${range(from[0], from[0] + patch - 1)}, columns ${range(from[1], from[1] + patch - 1)} are covered. `
      + `${part} places of the map (outlined) change by at least a tenth of ${size}.`;
  }
  const [[upper, lower], [left, right]] = window;
  return `Row ${row}, column ${col} of the map can see rows ${range(upper, lower)} and columns ${range(left, right)} (dashed). `
    + `${part} patches (outlined) change it by at least a tenth of ${size}.`;
}

function render({ model, el }) {
  const root = begin(el, model, "influence"), S = model.get("size"), P = model.get("patches"), H = model.get("map_size");
  const codes = bytes(model.get("codes")), length = P * P * H * H, patch = S / P, apart = (S - 1) / (H - 1);
  const tables = model.get("tops").map((top, k) => decoded(codes.subarray(k * length, (k + 1) * length), top));
  const covers = () => model.get("mode") === "cover";
  const at = () => (covers() ? model.get("patch").map((n) => patch * (n + 0.5)) : model.get("place").map((n) => apart * n)).reverse();
  const pick = (x, y) => {
    const number = (pixel) => (covers() ? clamp(Math.floor(pixel / patch), 0, P - 1) : clamp(Math.round(pixel / apart), 0, H - 1));
    write(model, { [covers() ? "patch" : "place"]: [number(y), number(x)] });
  };
  const view = scene(model, S, 0.53 * apart, at, pick); // one key press reaches the next place and the next patch
  const maps = { look: changeMap(P, "change of the place, by covered patch"), cover: changeMap(H, "change of each place of the map") };
  const line = element("p", { class: "grad-sentence", "aria-live": "polite" });
  const stage = choice({ name: "stage", options: model.get("names").map((name, i) => [i, name]), value: model.get("stage"), onChange: (i) => write(model, { stage: Number(i) }) });
  const mode = choice({ name: "the point", options: [["look", "is a place of the map"], ["cover", "covers a patch"]], value: model.get("mode"), onChange: (value) => write(model, { mode: value }) });

  const draw = timed(() => {
    const cover = covers(), k = model.get("stage"), [row, col] = model.get(cover ? "patch" : "place"), side = cover ? H : P;
    const values = cover ? tables[k].subarray((row * P + col) * H * H, (row * P + col + 1) * H * H) : column(tables[k], H * H, row * H + col);
    const top = Math.max(...values), marked = Array.from(values, (value) => value > 0 && value >= OUTLINED * top);
    const window = cover ? null : [row, col].map((i) => windowOf(i, H, S, model.get("fields")[k]));
    const count = marked.filter(Boolean).length, [x, y] = at();
    view.show({
      x, y, text: `row ${row}, column ${col}`, now: row * (cover ? P : H) + col, edges: outline(marked, side), cell: S / side,
      window: window && [window[1][0], window[0][0], window[1][1] - window[1][0] + 1, window[0][1] - window[0][0] + 1],
      covered: cover && [col * patch, row * patch, patch, patch],
    });
    for (const [name, map] of Object.entries(maps)) map.node.hidden = name !== model.get("mode");
    maps[model.get("mode")].show(values, top);
    line.textContent = sentence({ cover, row, col, window, patch, count, side, top });
    stage.select.value = k;
    mode.select.value = model.get("mode");
  });
  model.on("change", draw);
  root.append(controls(stage.node, mode.node), element("div", { class: "grad-row" }, view.node, maps.look.node, maps.cover.node), line);
  draw();
  return () => {
    model.off("change", draw);
    view.close();
  };
}

export default { render };
