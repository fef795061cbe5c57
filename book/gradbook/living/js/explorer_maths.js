// Points of the explorer's planes and pixels of its pictures, without a page.

/** A coordinate in [-1, 1] from its byte: the inverse of gradbook.living.explorer.in_bytes. */
export const coordinateOfByte = (byte) => byte / 127.5 - 1;

/** The local coordinates of image number `image`: the first of all its patches, then the second, flat. */
export function localCoordinates(bytes, image, patches) {
  return Float32Array.from(bytes.slice(2 * patches * image, 2 * patches * (image + 1)), coordinateOfByte);
}

/** The number of the point (xs, ys) nearest to (x, y), or -1 if none lies within `reach`. */
export function nearest(xs, ys, x, y, reach = Infinity) {
  let number = -1, least = reach * reach;
  for (let i = 0; i < xs.length; i++) {
    const distance = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (distance <= least) [number, least] = [i, distance];
  }
  return number;
}

/** The mean [x, y] of the points with these numbers. */
export function centroid(xs, ys, members) {
  const mean = (values) => members.reduce((sum, i) => sum + values[i], 0) / members.length;
  return [mean(xs), mean(ys)];
}

/** The RGBA bytes of a picture given as three planes of values in [0, 1], one after the other. */
export function rgba(planes, pixels) {
  const out = new Uint8ClampedArray(4 * pixels).fill(255); // a clamped array rounds
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) out[4 * i + c] = 255 * planes[c * pixels + i];
  return out;
}
