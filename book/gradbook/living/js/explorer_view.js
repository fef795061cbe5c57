import { begin, button, bytes, change, controls, element, floats, slider, timed, told, write } from "./common.js";
import { localCoordinates, middle, nearest } from "./explorer_maths.js";
import { pictureMaker } from "./explorer_pictures.js";
import { globalPlane, legend, localPlane } from "./explorer_planes.js";
import { errorTile, photographTile, pictureTile, sheetOf } from "./explorer_tiles.js";

const KINDS = ["normal", "defective"], DECODED = 8; // pixels of a picture for each pixel of the map

/** The traits that do not change, as arrays. */
function unpacked(model) {
  const get = (name) => model.get(name), N = get("names").length, v_g = floats(get("v_g")), [H, W] = get("size");
  const space = {
    names: get("names"), classes: get("classes"), number: bytes(get("number_of_class")), label: bytes(get("label")), score: floats(get("score")),
    x: v_g.subarray(0, N), y: v_g.subarray(N), v_l: bytes(get("v_l")), d: bytes(get("d")), top: get("d_top"), bright: (255 * get("d_bright")) / get("d_top"),
    size: [H, W], patches: H * W, knots: get("knots"), side: get("side"), across: get("across"), made: floats(get("made")),
  };
  space.groups = space.classes.flatMap((name, number) => KINDS.map((kind, label) => ({
    number, label, name: `${name}, ${kind}`, members: space.names.flatMap((_, i) => (space.number[i] === number && space.label[i] === label ? [i] : [])),
  }))).filter((group) => group.members.length);
  return space;
}

/** What is said of photograph i, and of its patch. */
function sentences(space, i, patch, local) {
  const [, W] = space.size, d = space.top * (space.d[i * space.patches + patch] / 255), what = `${space.classes[space.number[i]]}, ${KINDS[space.label[i]]}`;
  return {
    what,
    photograph: `${space.names[i]}: ${what}, score ${told(space.score[i])}, vᵍ = (${told(space.x[i])}, ${told(space.y[i])})`,
    patch: `row ${Math.floor(patch / W)}, column ${patch % W}: vˡ = (${told(local[patch])}, ${told(local[space.patches + patch])}), d = ${told(d, 1)}`,
  };
}

/** The picture's tile with its line of words; `follow` is called at each drawing and asks for a picture only if something moved. */
function pictures(model, space) {
  const [H, W] = space.size, tile = pictureTile(DECODED * W, DECODED * H), M = space.made.length / 2;
  const status = element("p", { class: "grad-told grad-status", role: "status" });
  const beforehand = sheetOf(model.get("pictures"));
  let last = "", answered = false;
  const say = ({ free: [x, y] }, words) => { status.textContent = `Picture at (${told(x)}, ${told(y)}): ${words}.`; };
  const stored = async (wish, words) => {
    const sheet = await beforehand, number = nearest(space.made.subarray(0, M), space.made.subarray(M), ...wish.free);
    tile.copy(sheet, number);
    say({ free: [space.made[number], space.made[M + number]] }, words);
  };
  const maker = pictureMaker(model, {
    show: (wish, { picture, words }) => { tile.paint(picture); say(wish, words); answered = true; },
    fail: (wish, error) => stored(wish, `the nearest of ${M} made beforehand for ${space.names[model.get("first")]}, as ${error.message}`),
  });
  const follow = (wish) => {
    const key = JSON.stringify([wish.chosen, wish.free]);
    if (key === last) return;
    const begins = last === "";
    last = key;
    const own = nearest(space.made.subarray(0, M), space.made.subarray(M), ...wish.free, 1e-6) === M - 1;
    if (begins && own && wish.chosen === model.get("first")) stored(wish, "made beforehand; move the free point and it is computed");
    else {
      if (!answered) say(wish, "on its way; the first takes a moment");
      maker.ask(wish);
    }
  };
  return { tile, status, follow, close: maker.close };
}

/** Everything on the page that follows the traits; `seen` is what the mouse is over, -1 for the chosen one. */
function parts(model, space, seen, redraw) {
  const go = (values) => write(model, values), [, W] = space.size, N = space.names.length;
  const look = (what) => (found) => { if (seen[what] !== found) { seen[what] = found; redraw(); } };
  const place = () => [Math.floor(model.get("patch") / W), model.get("patch") % W];
  const own = () => [space.x[model.get("chosen")], space.y[model.get("chosen")]];
  const centre = (number) => middle(space.x, space.y, space.groups.find((group) => group.number === number).members);
  return {
    globe: globalPlane(space, { over: look("photograph"), pick: (chosen) => go({ chosen }), move: (free) => go({ free }), free: () => model.get("free") }),
    locals: localPlane(space, { over: look("patch"), pick: (patch) => go({ patch }) }),
    photograph: photographTile(space, { at: place, to: (row, column) => go({ patch: row * W + column }) }),
    error: errorTile(space),
    picture: pictures(model, space),
    lines: [0, 1].map(() => element("p", { class: "grad-told", "aria-live": "polite" })),
    step: slider({ name: "photograph", min: 0, max: N - 1, step: 1, value: 0, show: (i) => `${i + 1} of ${N}`, onInput: (chosen) => go({ chosen }) }),
    buttons: [
      button("free point to the photograph's own place", () => go({ free: own() })),
      ...space.classes.map((name, number) => button(`to the middle of ${name}`, () => go({ free: centre(number) }))),
    ],
  };
}

function render({ model, el }) {
  const root = begin(el, model, "explorer"), space = unpacked(model), [, W] = space.size;
  const seen = { photograph: -1, patch: -1 }, here = parts(model, space, seen, () => draw());
  const localOf = (i) => localCoordinates(space.v_l, i, space.patches);
  let sheet = null;
  const draw = timed(() => {
    const chosen = model.get("chosen"), free = model.get("free");
    const shown = seen.photograph < 0 ? chosen : seen.photograph, patch = seen.patch < 0 ? model.get("patch") : seen.patch;
    const local = localOf(shown), d = space.d.subarray(shown * space.patches, (shown + 1) * space.patches);
    const says = sentences(space, shown, patch, local), row = Math.floor(patch / W), column = patch % W;
    here.globe.draw({ seen: shown, chosen, free });
    here.locals.draw({ local, d, patch });
    here.photograph.draw({ sheet, seen: shown, row, column, name: says.photograph, words: says.patch });
    here.error.draw({ d, row, column });
    here.lines[0].textContent = says.photograph;
    here.lines[1].textContent = `Patch in ${says.patch}`;
    here.step.set(chosen);
    change(here.step.input, { "aria-valuetext": `${chosen + 1}: ${says.what}` });
    here.picture.follow({ chosen, free, local: shown === chosen ? local : localOf(chosen) });
  });
  sheetOf(model.get("photographs")).then((image) => { sheet = image; draw(); });
  model.on("change", draw);
  const box = (name, ...nodes) => element("div", { class: `grad-space-${name}` }, ...nodes);
  const tiles = box("tiles", here.photograph.node, here.picture.tile.node, here.error.node);
  const halves = box("halves", box("global", legend(space), here.globe.node), box("middle", tiles, ...here.lines, here.picture.status), box("local", here.locals.node));
  root.append(box("box", halves), controls(here.step.node), controls(...here.buttons));
  draw();
  return () => {
    model.off("change", draw);
    here.picture.close();
  };
}

export default { render };
