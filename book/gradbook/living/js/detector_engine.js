import { bytes, floats } from "./common.js";
import { planes } from "./detector_maths.js";
import { NO_ANSWER, TIMEOUT, network } from "./runtime.js";
import { anomalyMap } from "./scores_maths.js";

// Answers of the detector, by the network in this page or, in JupyterLab, by Python. Both are async functions of a squashed image
// (RGBA bytes) that return { score, map, local, picture }: a number, S x S, 2 x H x W, and three planes of the decoded f^n.

const LARGEST = 40e6; // pixels of the reader's own image; more would take seconds and a gigabyte

/** Answers by the site's network, in this page. */
export async function pageAnswers(folder, size) {
  const run = await network(folder, "detector.onnx");
  return async (pixels) => {
    const answer = await run({ image: [planes(pixels, size), [1, 3, size, size]] });
    return { ...answer, score: answer.score[0] };
  };
}

/** Answers by Python over the kernel's channel: `ask` for one at a time, `close` when the view is removed. */
export function kernelAnswers(model) {
  let waiting;
  const receive = (message, buffers) => {
    if (message.error) waiting?.reject(new Error(message.error));
    const [score, map, local, picture] = (buffers ?? []).map(floats);
    if (picture) waiting?.resolve({ score: score[0], map, local, picture });
  };
  model.on("msg:custom", receive);
  const ask = (pixels) => new Promise((resolve, reject) => {
    waiting = { resolve, reject };
    setTimeout(() => reject(new Error(NO_ANSWER)), TIMEOUT);
    model.send({ kind: "question" }, undefined, [pixels.buffer]);
  });
  return { ask, close: () => model.off("msg:custom", receive) };
}

/** An image file as { width, height, pixels } with RGBA bytes, colours as stored; rejects with a readable message. */
export async function decoded(blob, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${name} is not an image that this browser can read: choose a PNG, JPEG or WebP file.`);
  }
  const { width, height } = bitmap;
  if (width * height > LARGEST) throw new Error(`${name} has ${width} × ${height} pixels, too many for this page: shrink it to below 6000 × 6000.`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, pixels: context.getImageData(0, 0, width, height).data };
}

/** The single images of a PNG file that holds `count` images of one size below each other. */
export async function unstacked(view, count) {
  const { width, height, pixels } = await decoded(new Blob([bytes(view)], { type: "image/png" }), "The strip"), rows = height / count;
  return Array.from({ length: count }, (_, n) => ({ width, height: rows, pixels: pixels.slice(4 * width * rows * n, 4 * width * rows * (n + 1)) }));
}

/** Python's answers to the unpainted images, from the traits: score, d and local coordinates, and the decoded pictures. */
export async function storedAnswers(model, size) {
  const { count, H } = model.get("shape"), numbers = floats(model.get("answers")), length = 1 + 3 * H * H;
  const pictures = await unstacked(model.get("pictures"), count);
  return pictures.map(({ width, pixels }, n) => {
    const [score, ...rest] = numbers.subarray(n * length, (n + 1) * length);
    return { score, map: anomalyMap(rest.slice(0, H * H), H, H, size), local: rest.slice(H * H), picture: planes(pixels, width).map((v) => v / 255) };
  });
}
