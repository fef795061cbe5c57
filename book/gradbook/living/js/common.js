// What the views share: elements, scales, colours, and controls for mouse, finger and keys.

export const BLUE = "#0072B2", ORANGE = "#D55E00", GREEN = "#009E73", PINK = "#CC79A7"; // gradbook.page.OKABE_ITO

const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** An HTML element with attributes and children. */
export const element = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/** An SVG element with attributes and children. */
export const shape = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** Change attributes of an element. */
export const change = (node, attributes) => filled(node, attributes, []);

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** A number as text, with a minus sign instead of a hyphen and a fixed number of digits, never "−0.00". */
export function formatted(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** The little-endian float32 numbers of a Bytes trait. */
export const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

/** The 8-bit numbers of a Bytes trait. */
export const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** The address of the site's static files, with a slash at the end; null in JupyterLab, where Python answers instead. */
export function staticFolder() {
  const root = document.documentElement.dataset.content_root;
  return root === undefined ? null : new URL(`${root}_static/`, document.baseURI).href;
}

/** The figure's outermost element, with its name for the tests and its text alternative. */
export function begin(el, model, name) {
  const root = element("div", { class: "grad-living", "data-living": name, role: "group", "aria-label": model.get("alt") });
  root.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End|Enter| )/.test(event.key)) event.stopPropagation(); // otherwise JupyterLab takes the key from a slider or a list
  });
  el.replaceChildren(root);
  return root;
}

/** A drawing function whose duration is recorded as the performance entry "grad-redraw". */
export function timed(draw) {
  return (...parameters) => {
    const began = performance.now();
    draw(...parameters);
    performance.measure("grad-redraw", { start: began, end: performance.now() });
  };
}

/** Write traits, and send them to the kernel if there is one. */
export function write(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/** A labelled native slider; `format` turns its value into text. */
export function slider({ name, min, max, step, value, format = (v) => formatted(v), onInput }) {
  const input = element("input", { type: "range", min, max, step, value });
  const output = element("output", {}, format(value));
  const node = element("label", { class: "grad-control" }, element("span", {}, name), input, output);
  const set = (next) => { input.value = next; output.textContent = format(next); };
  input.addEventListener("input", () => { output.textContent = format(input.valueAsNumber); onInput(input.valueAsNumber); });
  return { node, input, set };
}

/** A labelled native list of choices; options: [value, label] each. */
export function choice({ name, options, value, onChange }) {
  const select = element("select", {}, ...options.map(([key, label]) => element("option", { value: key }, label)));
  select.value = value;
  select.addEventListener("change", () => onChange(select.value));
  return { node: element("label", { class: "grad-control" }, element("span", {}, name), select), select };
}

/** A labelled native switch. */
export function toggle({ name, value, onChange }) {
  const input = element("input", { type: "checkbox" });
  input.checked = value;
  input.addEventListener("change", () => onChange(input.checked));
  return { node: element("label", { class: "grad-control grad-toggle" }, input, element("span", {}, name)), input };
}

/** A native button. */
export function button(name, onClick) {
  const node = element("button", { type: "button" }, name);
  node.addEventListener("click", onClick);
  return node;
}

/** A row of controls. */
export const controls = (...nodes) => element("div", { class: "grad-panel" }, ...nodes);

/** A table with a row for each name: its element, those of the rows, and `fill(i, texts)`, which sets the cells of row i. */
export function tableOf(headings, names) {
  const cells = names.map(() => headings.slice(1).map(() => element("td")));
  const rows = names.map((name, i) => element("tr", { "data-row": name }, element("th", { scope: "row" }, name), ...cells[i]));
  const head = element("tr", {}, ...headings.map((text) => element("th", { scope: "col" }, text)));
  const node = element("table", { class: "grad-table" }, element("thead", {}, head), element("tbody", {}, ...rows));
  const fill = (i, texts) => texts.forEach((text, n) => { cells[i][n].textContent = text; });
  return { node, rows, fill };
}

/**
 * An SVG plane with axes. x, y: [from, to] in data units. `px` and `py` convert data to drawing units, `data` converts a
 * pointer event to data. Shapes are appended to `layer`.
 */
export function plane({ width = Math.min(480, innerWidth - 56), height = 300, x, y, xTitle = "", yTitle = "", xTicks = [], yTicks = [], edge = 14, label }) {
  const left = yTitle || yTicks.length ? 52 : edge, bottom = xTitle || xTicks.length ? 44 : edge, top = edge, right = edge;
  const px = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (width - left - right);
  const py = (value) => height - bottom - ((value - y[0]) / (y[1] - y[0])) * (height - top - bottom);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "grad-plane", role: "group", "aria-label": label });
  const axes = shape("g", { class: "grad-axes", "aria-hidden": "true" });
  for (const tick of xTicks) {
    axes.append(shape("line", { x1: px(tick), x2: px(tick), y1: py(y[0]), y2: py(y[1]) }));
    axes.append(shape("text", { x: px(tick), y: height - bottom + 16, "text-anchor": "middle" }, formatted(tick, Number.isInteger(tick) ? 0 : 1)));
  }
  for (const tick of yTicks) {
    axes.append(shape("line", { x1: px(x[0]), x2: px(x[1]), y1: py(tick), y2: py(tick) }));
    axes.append(shape("text", { x: left - 8, y: py(tick) + 4, "text-anchor": "end" }, formatted(tick, Number.isInteger(tick) ? 0 : 1)));
  }
  axes.append(shape("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xTitle));
  axes.append(shape("text", { transform: `translate(14 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yTitle));
  const layer = shape("g");
  svg.append(axes, layer);
  const data = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [
      x[0] + ((at.x - left) / (width - left - right)) * (x[1] - x[0]),
      y[0] + ((height - bottom - at.y) / (height - top - bottom)) * (y[1] - y[0]),
    ];
  };
  return { svg, layer, px, py, data, x, y };
}

/** The path of a knot's mark centred at (x, y), in drawing units. */
export const cross = (x, y) => `M${x - 4} ${y}h8m-4 -4v8`;

/**
 * A round handle in a plane that can be dragged, and moved by the arrow keys. `to(x, y)` receives the new position in data
 * units and limits it. step: of one key press, ten times that with Shift. `place(x, y, text)` draws the handle and sets its
 * position as text; as a number, its position is x, or the fourth argument, between `ends`.
 */
export function handle(area, { label, colour = ORANGE, step, at, to, ends = area.x }) {
  const spot = shape("circle", { r: 22, class: "grad-reach" });
  const dot = shape("circle", { r: 9, fill: colour, class: "grad-dot" });
  const node = shape("g", { tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": ends[0], "aria-valuemax": ends[1], "aria-valuenow": ends[0], class: "grad-handle" }, spot, dot);
  area.svg.append(node);
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    event.preventDefault();
  });
  node.addEventListener("pointermove", (event) => {
    if (node.hasPointerCapture(event.pointerId)) to(...area.data(event));
  });
  node.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation(); // otherwise JupyterLab moves to another cell
    const length = event.shiftKey ? 10 * step : step, [x, y] = at();
    to(x + length * direction[0], y + length * direction[1]);
  });
  const place = (x, y, text, now = x) => {
    change(node, { transform: `translate(${area.px(x)} ${area.py(y)})`, "aria-valuenow": now.toFixed(3), "aria-valuetext": text });
  };
  return { node, place };
}

// Cividis (Nuñez, Anderton and Renslow, 2018) at nine places: dark blue to yellow, suited to all kinds of colour vision.
const CIVIDIS = [[0, 34, 78], [8, 51, 112], [53, 69, 108], [79, 87, 108], [102, 105, 112], [125, 124, 120], [148, 142, 119], [174, 163, 113], [253, 234, 69]];

/** Red, green and blue, 0 to 255, of a value in [0, 1]. */
export function cividis(value) {
  const position = clamp(value, 0, 1) * (CIVIDIS.length - 1), low = Math.min(Math.floor(position), CIVIDIS.length - 2), t = position - low;
  return CIVIDIS[low].map((c, k) => Math.round((1 - t) * c + t * CIVIDIS[low + 1][k]));
}

/** The colours from 0 to 1 as a CSS background, for the key below a map. */
export const CIVIDIS_SCALE = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((part) => `rgb(${cividis(part)})`).join(", ")})`;

/** A canvas of width x height cells; `paint(values, low, high)` colours them. CSS sets its size on the page. */
export function heatmap(width, height, label, colours = cividis) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": label, class: "grad-heat" });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const paint = (values, low, high) => {
    for (let i = 0; i < width * height; i++) {
      image.data.set(colours((values[i] - low) / (high - low || 1)), 4 * i);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
  return { canvas, paint };
}
