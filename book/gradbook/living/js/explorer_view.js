import { begin, button, bytes, change, controls, element, floats, slider, timed, formatted, write } from "./common.js";
import { centroid, localCoordinates, nearest } from "./explorer_maths.js";
import { pictureMaker } from "./explorer_pictures.js";
import { globalPlane, legend, localPlane } from "./explorer_planes.js";
import { errorTile, imageTile, pictureTile, sheetOf } from "./explorer_tiles.js";

const LABELS = ["normal", "defective"], SCALE = 8; // pixels of a picture for each pixel of the map

/** The traits that do not change, as arrays. */
function unpacked(model) {
  const get = (name) => model.get(name), N = get("names").length, v_g = floats(get("v_g")), [H, W] = get("size");
  const space = {
    names: get("names"), categories: get("categories"), number: bytes(get("category_numbers")), label: bytes(get("label")), score: floats(get("score")),
    x: v_g.subarray(0, N), y: v_g.subarray(N), v_l: bytes(get("v_l")), d: bytes(get("d")), top: get("d_top"), bright: (255 * get("d_bright")) / get("d_top"),
    size: [H, W], patches: H * W, knots: get("knots"), side: get("side"), across: get("across"), places: floats(get("places")),
  };
  space.groups = space.categories.flatMap((category, number) => LABELS.map((text, label) => ({
    number, label, name: `${category}, ${text}`, members: space.names.flatMap((_, i) => (space.number[i] === number && space.label[i] === label ? [i] : [])),
  }))).filter((group) => group.members.length);
  return space;
}

/** The kind of image i, and sentences about it and its patch. */
function sentences(space, i, patch, local) {
  const [, W] = space.size, d = space.top * (space.d[i * space.patches + patch] / 255), kind = `${space.categories[space.number[i]]}, ${LABELS[space.label[i]]}`;
  return {
    kind,
    image: `${space.names[i]}: ${kind}, score ${formatted(space.score[i])}, vᵍ = (${formatted(space.x[i])}, ${formatted(space.y[i])})`,
    patch: `row ${Math.floor(patch / W)}, column ${patch % W}: vˡ = (${formatted(local[patch])}, ${formatted(local[space.patches + patch])}), d = ${formatted(d, 1)}`,
  };
}

/** The picture's tile and its status; `follow(request)`, called at each drawing, asks for a picture if the request has changed. */
function pictures(model, space) {
  const [H, W] = space.size, tile = pictureTile(SCALE * W, SCALE * H), M = space.places.length / 2;
  const status = element("p", { class: "grad-sentence grad-status", role: "status" });
  const stored = sheetOf(model.get("pictures"));
  let last = "", answered = false;
  const say = ({ free: [x, y] }, text) => { status.textContent = `Picture at (${formatted(x)}, ${formatted(y)}): ${text}.`; };
  const showStored = async (request, text) => {
    const sheet = await stored, number = nearest(space.places.subarray(0, M), space.places.subarray(M), ...request.free);
    tile.copy(sheet, number);
    say({ free: [space.places[number], space.places[M + number]] }, text);
  };
  const maker = pictureMaker(model, {
    show: (request, { picture, origin }) => { tile.paint(picture); say(request, origin); answered = true; },
    fail: (request, error) => showStored(request, `the nearest of ${M} computed beforehand for ${space.names[model.get("first")]}, as ${error.message}`),
  });
  const follow = (request) => {
    const key = JSON.stringify([request.selected, request.free]);
    if (key === last) return;
    const isFirst = last === "";
    last = key;
    const own = nearest(space.places.subarray(0, M), space.places.subarray(M), ...request.free, 1e-6) === M - 1;
    if (isFirst && own && request.selected === model.get("first")) showStored(request, "computed beforehand; move the free point to compute another");
    else {
      if (!answered) say(request, "on its way; the first takes a moment");
      maker.ask(request);
    }
  };
  return { tile, status, follow, close: maker.close };
}

/** Everything that follows the traits; seen: the image and patch under the mouse, -1 for the selected ones. */
function parts(model, space, seen, redraw) {
  const go = (values) => write(model, values), [, W] = space.size, N = space.names.length;
  const look = (what) => (number) => { if (seen[what] !== number) { seen[what] = number; redraw(); } };
  const place = () => [Math.floor(model.get("patch") / W), model.get("patch") % W];
  const own = () => [space.x[model.get("selected")], space.y[model.get("selected")]];
  const centre = (number) => centroid(space.x, space.y, space.groups.find((group) => group.number === number).members);
  return {
    globe: globalPlane(space, { over: look("image"), pick: (selected) => go({ selected }), move: (free) => go({ free }), free: () => model.get("free") }),
    locals: localPlane(space, { over: look("patch"), pick: (patch) => go({ patch }) }),
    image: imageTile(space, { at: place, to: (row, column) => go({ patch: row * W + column }) }),
    error: errorTile(space),
    picture: pictures(model, space),
    lines: [0, 1].map(() => element("p", { class: "grad-sentence", "aria-live": "polite" })),
    step: slider({ name: "photograph", min: 0, max: N - 1, step: 1, value: 0, format: (i) => `${i + 1} of ${N}`, onInput: (selected) => go({ selected }) }),
    buttons: [
      button("free point to the photograph's own place", () => go({ free: own() })),
      ...space.categories.map((name, number) => button(`to the middle of ${name}`, () => go({ free: centre(number) }))),
    ],
  };
}

function render({ model, el }) {
  const root = begin(el, model, "explorer"), space = unpacked(model), [, W] = space.size;
  const seen = { image: -1, patch: -1 }, items = parts(model, space, seen, () => draw());
  const localOf = (i) => localCoordinates(space.v_l, i, space.patches);
  let sheet = null;
  const draw = timed(() => {
    const selected = model.get("selected"), free = model.get("free");
    const i = seen.image < 0 ? selected : seen.image, patch = seen.patch < 0 ? model.get("patch") : seen.patch;
    const local = localOf(i), d = space.d.subarray(i * space.patches, (i + 1) * space.patches);
    const texts = sentences(space, i, patch, local), row = Math.floor(patch / W), column = patch % W;
    items.globe.draw({ seen: i, selected, free });
    items.locals.draw({ local, d, patch });
    items.image.draw({ sheet, seen: i, row, column, name: texts.image, text: texts.patch });
    items.error.draw({ d, row, column });
    items.lines[0].textContent = texts.image;
    items.lines[1].textContent = `Patch in ${texts.patch}`;
    items.step.set(selected);
    change(items.step.input, { "aria-valuetext": `${selected + 1}: ${texts.kind}` });
    items.picture.follow({ selected, free, local: i === selected ? local : localOf(selected) });
  });
  sheetOf(model.get("images")).then((image) => { sheet = image; draw(); });
  model.on("change", draw);
  const box = (name, ...nodes) => element("div", { class: `grad-space-${name}` }, ...nodes);
  const tiles = box("tiles", items.image.node, items.picture.tile.node, items.error.node);
  const halves = box("halves", box("global", legend(space), items.globe.node), box("middle", tiles, ...items.lines, items.picture.status), box("local", items.locals.node));
  root.append(box("box", halves), controls(items.step.node), controls(...items.buttons));
  draw();
  return () => {
    model.off("change", draw);
    items.picture.close();
  };
}

export default { render };
