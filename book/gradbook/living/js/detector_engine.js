import { bytes, floats } from "./common.js";
import { planes } from "./detector_maths.js";
import { PATIENCE, SILENCE, network } from "./runtime.js";
import { anomalyMap } from "./scores_maths.js";

// Who answers: the network in this page or, in JupyterLab, Python. Both are functions of a squashed photograph (RGBA bytes)
// that promise { score, map, local, picture }: a number, S x S, 2 x H x W, and three planes of the decoded normal feature.

const LARGEST = 40e6; // pixels of one's own photograph; more would take seconds and a gigabyte

/** The network of the site's own file, in this page. */
export async function pageAnswers(folder, size) {
  const run = await network(folder, "detector.onnx");
  return async (pixels) => {
    const found = await run({ image: [planes(pixels, size), [1, 3, size, size]] });
    return { ...found, score: found.score[0] };
  };
}

/** Python's answers, over the kernel's channel: `ask` for one at a time; `close` when the view goes. */
export function kernelAnswers(model) {
  let waiting;
  const hear = (message, buffers) => {
    if (message.error) waiting?.reject(new Error(message.error));
    const [score, map, local, picture] = (buffers ?? []).map(floats);
    if (picture) waiting?.resolve({ score: score[0], map, local, picture });
  };
  model.on("msg:custom", hear);
  const ask = (pixels) => new Promise((resolve, reject) => {
    waiting = { resolve, reject };
    setTimeout(() => reject(new Error(SILENCE)), PATIENCE);
    model.send({ kind: "question" }, undefined, [pixels.buffer]);
  });
  return { ask, close: () => model.off("msg:custom", hear) };
}

/** An image file as { width, height, pixels } with RGBA bytes, colours as stored; rejects with one clear sentence. */
export async function decoded(blob, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${name} is no picture that this browser can read: choose a PNG, JPEG or WebP file.`);
  }
  const { width, height } = bitmap;
  if (width * height > LARGEST) throw new Error(`${name} has ${width} × ${height} pixels, which is too many here: shrink it to below 6000 × 6000.`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, pixels: context.getImageData(0, 0, width, height).data };
}

/** A strip of equally high pictures, one below the other, as one PNG file's bytes: the pictures one by one. */
export async function unstacked(view, count) {
  const { width, height, pixels } = await decoded(new Blob([bytes(view)], { type: "image/png" }), "The strip"), each = height / count;
  return Array.from({ length: count }, (_, n) => ({ width, height: each, pixels: pixels.slice(4 * width * each * n, 4 * width * each * (n + 1)) }));
}

/** What Python said of each untouched photograph: score, d and local coordinates as numbers, the pictures as a strip. */
export async function answersMadeBefore(model, size) {
  const { count, H } = model.get("shape"), numbers = floats(model.get("answers")), each = 1 + 3 * H * H;
  const pictures = await unstacked(model.get("pictures"), count);
  return pictures.map(({ width, pixels }, n) => {
    const [score, ...rest] = numbers.subarray(n * each, (n + 1) * each);
    return { score, map: anomalyMap(rest.slice(0, H * H), H, H, size), local: rest.slice(H * H), picture: planes(pixels, width).map((v) => v / 255) };
  });
}
