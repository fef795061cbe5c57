import { CIVIDIS_SCALE, begin, button, change, choice, clamp, controls, element, floats, handle, heatmap, plane, shape, slider, tableOf, timed, formatted, write } from "./common.js";
import { imageSheet } from "./image_sheet.js";
import { imageScore, pooling } from "./scores_maths.js";
import { errors, refined, shareBelow, similarities } from "./refinement_maths.js";

/** A map with a title, a colour scale and a frame around one pixel; `show(values, [low, high], pixel)` draws it. */
function board(title, [H, W]) {
  const { canvas, paint } = heatmap(W, H, title), ends = [element("span"), element("span")];
  const frame = element("span", { class: "grad-frame", style: `width: ${100 / W}%; height: ${100 / H}%` });
  const scale = element("span", { class: "grad-scale", style: `background: ${CIVIDIS_SCALE}` });
  const key = element("div", { class: "grad-key", "aria-hidden": "true" }, ends[0], scale, ends[1]);
  const node = element("div", { class: "grad-map" }, element("div", { class: "grad-title" }, title), element("div", { class: "grad-framed" }, canvas, frame), key);
  const show = (values, range, [row, column]) => {
    paint(values, ...range);
    ends.forEach((end, i) => { end.textContent = formatted(range[i], 1); });
    change(frame, { style: `width: ${100 / W}%; height: ${100 / H}%; left: ${(100 * column) / W}%; top: ${(100 * row) / H}%` });
    change(canvas, { "aria-label": `${title}: ${formatted(Math.min(...values))} to ${formatted(Math.max(...values))}` });
  };
  return { node, show };
}

/** The image with a point that selects a pixel; `show(n, pixel, text)`: image n and the point's text alternative. */
function viewfinder(model, [H, W], pick) {
  const size = model.get("size"), sheet = imageSheet(model, size, model.get("names").length);
  const area = plane({ width: 200, height: 200, x: [0, W], y: [0, H], edge: 0, label: "The photograph; the point picks a pixel" });
  const cut = shape("svg", { x: area.px(0), y: area.py(H), width: area.px(W) - area.px(0), height: area.py(0) - area.py(H) },
    shape("image", { href: sheet.address, width: sheet.size[0], height: sheet.size[1] }));
  area.layer.append(cut);
  const point = handle(area, {
    label: "pixel", step: 1, ends: [0, H * W - 1],
    at: () => [model.get("pixel")[1], H - 1 - model.get("pixel")[0]], // rows count from the top
    to: (x, y) => pick([H - 1 - clamp(Math.floor(y), 0, H - 1), clamp(Math.floor(x), 0, W - 1)]),
  });
  const show = (n, [row, column], text) => {
    change(cut, { viewBox: [...sheet.place(n), size, size].join(" ") });
    point.place(column + 0.5, H - row - 0.5, text, row * W + column);
  };
  const node = element("div", { class: "grad-map" }, element("div", { class: "grad-title" }, "photograph"), area.svg);
  return { node, show, close: sheet.close };
}

/** A table of all images: the share of pixels below k, the image score, and the score without refinement. */
function ranking(names) {
  const { node, rows, fill } = tableOf(["photograph", "mse\u00a0<\u00a0k", "image score", "unrefined"], names);
  const show = (results, selected) => results.forEach(({ share, score, plain }, i) => {
    fill(i, [`${formatted(100 * share, 0)}\u00a0%`, formatted(score), formatted(plain)]);
    change(rows[i], { "aria-current": i === selected });
  });
  return { node, show };
}

/** The traits as arrays: each image's maps, and the ranges of the maps' colours and of k. */
function contents(model) {
  const [H, W] = model.get("map_size"), pools = pooling(H, W, model.get("size")), channels = model.get("channels").length;
  const [mse, cosine, distance, x, f_n] = ["mse", "cosine", "distance", "x", "f_n"].map((name) => floats(model.get(name)));
  const cells = H * W, mapOf = (values, n) => values.subarray(n * cells, (n + 1) * cells);
  const images = model.get("names").map((_, n) => ({
    mse: mapOf(mse, n), cosine: mapOf(cosine, n), distance: mapOf(distance, n), plain: imageScore(mapOf(distance, n), pools),
    channel: (c) => [mapOf(x, n * channels + c), mapOf(f_n, n * channels + c)],
  }));
  const top = Float32Array.from(distance).sort()[Math.floor(0.95 * distance.length)]; // a few larger values share the last colour
  const bounds = [Math.floor(Math.log10(Math.min(...mse))), Math.max(Math.ceil(Math.log10(Math.max(...mse))), 1)]; // 10 is the paper's k
  return { shape: [H, W], images, pools, top, bounds };
}

/** The selected pixel's numbers, from both terms of S to d. */
function sentence([row, column], W, { mse, cosine, distance }, S, d, { k, lambda_1, lambda_2 }) {
  const i = row * W + column, near = mse[i] < k, s = formatted(S[i], 3);
  return `Row ${row}, column ${column}: mse ${formatted(mse[i], 3)} ${near ? "<" : "≥"} k = ${formatted(k, 3)}, cosine ${formatted(cosine[i], 3)}, `
    + `so S = ${formatted(lambda_1)} · ${near ? 1 : 0} + ${formatted(lambda_2)} · ${formatted(cosine[i], 3)} = ${s} and `
    + `d = |1 − ${s}| · ${formatted(distance[i], 3)} = ${formatted(d[i], 3)}`;
}

function render({ model, el }) {
  const root = begin(el, model, "refinement"), { shape: map, images, pools, top, bounds } = contents(model);
  const finder = viewfinder(model, map, (pixel) => write(model, { pixel }));
  const boards = ["S", "d", "x", "fⁿ", "x̂"].map((title) => board(title, map));
  const sum = element("p", { class: "grad-sentence", "aria-live": "polite" }), table = ranking(model.get("names"));
  const k = slider({
    name: "k", min: bounds[0], max: bounds[1], step: 0.02, value: Math.log10(model.get("k")),
    format: (power) => formatted(10 ** power, power < -1 ? 3 : 2), onInput: (power) => write(model, { k: 10 ** power }),
  });
  const weight = (name, label) => slider({ name: label, min: 0, max: 1, step: 0.05, value: model.get(name), onInput: (value) => write(model, { [name]: value }) });
  const near = weight("lambda_1", "λ₁ (mse < k)"), alike = weight("lambda_2", "λ₂ (cosine)");
  const pick = (name, label, all) => choice({ name: label, options: all.map((text, i) => [i, text]), value: model.get(name), onChange: (i) => write(model, { [name]: Number(i) }) });
  const image = pick("selected", "photograph", model.get("names"));
  const channel = pick("channel", "channel", model.get("channels").map((number) => `number ${number}`));

  const draw = timed(() => {
    const rules = { k: model.get("k"), lambda_1: model.get("lambda_1"), lambda_2: model.get("lambda_2") };
    const n = model.get("selected"), pixel = model.get("pixel");
    const results = images.map(({ mse, cosine, distance, plain }) => {
      const S = similarities(mse, cosine, rules), d = errors(S, distance);
      return { S, d, share: shareBelow(mse, rules.k), score: imageScore(d, pools), plain };
    });
    const { S, d } = results[n], [x, f_n] = images[n].channel(model.get("channel"));
    const range = [Math.min(...x, ...f_n), Math.max(...x, ...f_n)];
    [S, d, x, f_n, refined(x, f_n, S)].forEach((values, i) => boards[i].show(values, [[0, 1], [0, top]][i] || range, pixel));
    sum.textContent = sentence(pixel, map[1], images[n], S, d, rules);
    finder.show(n, pixel, `row ${pixel[0]}, column ${pixel[1]}, d ${formatted(d[pixel[0] * map[1] + pixel[1]])}`);
    table.show(results, n);
    k.set(Math.log10(rules.k));
    near.set(rules.lambda_1);
    alike.set(rules.lambda_2);
    image.select.value = n;
    channel.select.value = model.get("channel");
  });
  model.on("change", draw);
  const row = (more, ...nodes) => element("div", { class: `grad-maps ${more}` }, ...nodes), nodes = boards.map((one) => one.node);
  root.append(
    controls(image.node, button("As trained", () => write(model, model.get("trained")))), row("", finder.node, ...nodes.slice(0, 2)), sum,
    controls(k.node, near.node, alike.node), table.node, controls(channel.node), row("grad-three", ...nodes.slice(2)),
  );
  draw();
  return () => {
    model.off("change", draw);
    finder.close();
  };
}

export default { render };
