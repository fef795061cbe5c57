import { bytes, change, element, handle, heatmap, shape, formatted } from "./common.js";
import { rgba } from "./explorer_maths.js";

// The tiles beside the planes: the image and its error with the selected patch marked, and the normal feature's picture.

const PATCH = 16; // drawing units of a patch's side

const tileOf = (title, ...nodes) => element("div", { class: "grad-tile" }, element("p", {}, title), element("div", {}, ...nodes));

/** Decode a sheet of images: a promise of an Image to draw from. */
export async function sheetOf(view) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([bytes(view)], { type: "image/webp" }));
  await image.decode();
  URL.revokeObjectURL(image.src);
  return image;
}

/** A drawing area over a map of H x W patches; data units are the column and the row counted from the bottom. */
function overlay([H, W]) {
  const svg = shape("svg", { viewBox: `0 0 ${PATCH * W} ${PATCH * H}`, class: "grad-over" });
  const data = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [at.x / PATCH - 0.5, H - 0.5 - at.y / PATCH];
  };
  return { svg, px: (column) => PATCH * (column + 0.5), py: (up) => PATCH * (H - 0.5 - up), data };
}

/** The image, with a handle on the selected patch: `at()` returns [row, column], `to(row, column)` receives a new one. */
export function imageTile(space, { at, to }) {
  const canvas = element("canvas", { width: space.side, height: space.side, role: "img" }), area = overlay(space.size), [H, W] = space.size;
  const inside = (value, count) => Math.min(Math.max(Math.round(value), 0), count - 1);
  const go = (column, up) => to(inside(H - 1 - up, H), inside(column, W));
  const spot = handle(area, { label: "patch of the photograph", step: 1, ends: [0, H * W - 1], at: () => [at()[1], H - 1 - at()[0]], to: go });
  area.svg.addEventListener("click", (event) => go(...area.data(event)));
  const draw = ({ sheet, seen, row, column, name, text }) => {
    const { side, across } = space;
    if (sheet) canvas.getContext("2d").drawImage(sheet, side * (seen % across), side * Math.floor(seen / across), side, side, 0, 0, side, side);
    change(canvas, { "aria-label": `photograph ${name}` });
    spot.place(column, H - 1 - row, text, row * W + column);
  };
  return { node: tileOf("photograph", canvas, area.svg), draw };
}

/** The error d of each patch, all images on one colour scale; the few larger values share its last colour. */
export function errorTile(space) {
  const [H, W] = space.size, { canvas, paint } = heatmap(W, H, "error d of each patch"), { svg, px, py } = overlay(space.size);
  const ring = shape("circle", { r: 9, class: "grad-spot" });
  svg.append(ring);
  const draw = ({ d, row, column }) => {
    paint(d, 0, space.bright);
    change(ring, { cx: px(column), cy: py(H - 1 - row) });
  };
  return { node: tileOf(`error d, 0 to ${formatted((space.bright / 255) * space.top, 1)}`, canvas, svg), draw };
}

/** The picture at the free point: `paint(values)` from a network, or `copy(sheet, number)` from those computed beforehand. */
export function pictureTile(width, height) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": "picture of the normal feature at the free point" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (values) => context.putImageData(new ImageData(rgba(values, width * height), width, height), 0, 0);
  const copy = (sheet, number) => {
    const across = sheet.width / width;
    context.drawImage(sheet, width * (number % across), height * Math.floor(number / across), width, height, 0, 0, width, height);
  };
  return { node: tileOf("at the free point", canvas), paint, copy };
}
