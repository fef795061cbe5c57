import { button, clamp, controls, element, slider, timed, formatted, write } from "./common.js";
import { paintLine, paintStrokes } from "./detector_maths.js";

// The image that the reader paints on, and the brush.

const STEP = 0.02; // share of the side for one press of an arrow key, five times that with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The image's pixels with strokes, and a stroke that grows line by line; points are in the unit square. */
function painting(canvas, brush, onLine) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let image, before, stroke;
  const line = timed((from, to) => {
    const [left, top, right, bottom] = paintLine(before, image.data, [image.width, image.height], from, to, stroke);
    context.putImageData(image, 0, 0, left, top, right - left, bottom - top);
  });
  const show = timed(({ width, height, pixels }, strokes) => {
    Object.assign(canvas, { width, height });
    image = new ImageData(paintStrokes(pixels, [width, height], strokes), width, height);
    context.putImageData(image, 0, 0);
  });
  const to = (point) => {
    line(stroke.points.at(-1), point);
    stroke.points.push(point);
    onLine();
  };
  const start = (point) => {
    before = Uint8ClampedArray.from(image.data);
    stroke = { points: [point], ...brush() };
    line(point, point);
    onLine();
  };
  const end = () => {
    const finished = stroke;
    stroke = undefined;
    return finished;
  };
  return { show, start, to, end, down: () => stroke !== undefined, pixels: () => image?.data };
}

/**
 * An image to paint on, by mouse, finger or keys. brush() returns { width, shade }; onLine is called when a stroke grows,
 * onStroke with the finished { points, width, shade }.
 */
export function easel({ brush, onLine, onStroke }) {
  const canvas = element("canvas", { role: "img", "aria-label": "the photograph with your strokes" });
  const ring = element("div", { class: "grad-ring" });
  const node = element("div", {
    class: "grad-easel", tabindex: 0, role: "application",
    "aria-label": "photograph to paint on: arrow keys move the brush, the space bar puts it down and lifts it",
  }, canvas, ring);
  const status = element("output", { class: "grad-sentence" });
  const sheet = painting(canvas, brush, onLine);
  let place = [0.5, 0.5];

  const aim = (point) => {
    place = point.map((share) => clamp(share, 0, 1));
    ring.style.cssText = `left: ${100 * place[0]}%; top: ${100 * place[1]}%; width: ${100 * brush().width}%`;
    if (sheet.down()) sheet.to(place);
  };
  const finish = () => { if (sheet.down()) onStroke(sheet.end()); };
  const spot = ({ clientX, clientY }) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  };
  node.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    finish();
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    aim(spot(event));
    sheet.start(place);
  });
  node.addEventListener("pointermove", (event) => {
    if (event.isPrimary) for (const part of event.getCoalescedEvents?.() ?? [event]) aim(spot(part));
  });
  for (const over of ["pointerup", "pointercancel", "blur"]) node.addEventListener(over, finish);
  node.addEventListener("keydown", (event) => {
    const direction = ARROWS[event.key], length = event.shiftKey ? 5 * STEP : STEP;
    if (direction) aim([place[0] + length * direction[0], place[1] + length * direction[1]]);
    else if (event.key !== " ") return;
    else if (sheet.down()) finish();
    else sheet.start(place);
    event.preventDefault();
    event.stopPropagation(); // otherwise JupyterLab acts on it
    const [across, below] = place.map((share) => `${formatted(100 * share, 0)} %`);
    status.textContent = `brush ${across} from the left, ${below} from the top, ${sheet.down() ? "down" : "lifted"}`;
  });
  aim(place);
  return { node, status, show: sheet.show, pixels: sheet.pixels, aim: () => aim(place) };
}

/** Controls for the brush's width and shade, and buttons that remove strokes. */
export function brushControls(model) {
  const percent = (trait) => 100 * model.get(trait);
  const width = slider({
    name: "brush width", min: 0.5, max: 10, step: 0.5, value: percent("brush_width"), format: (v) => `${formatted(v, 1)} %`,
    onInput: (v) => write(model, { brush_width: v / 100 }),
  });
  const shade = slider({
    name: "brush shade", min: -100, max: 100, step: 5, value: percent("brush_shade"),
    format: (v) => `${formatted(Math.abs(v), 0)} % ${v > 0 ? "brighter" : "darker"}`, onInput: (v) => write(model, { brush_shade: v / 100 }),
  });
  const undo = button("undo", () => write(model, { strokes: model.get("strokes").slice(0, -1) }));
  const clear = button("clear", () => write(model, { strokes: [] }));
  return controls(width.node, shade.node, element("span", { class: "grad-panel" }, undo, clear));
}
