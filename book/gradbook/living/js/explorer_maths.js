// Where things lie in the explorer's planes, and how its pictures travel. No page is needed here.

/** A coordinate in [-1, 1] that travelled as one byte: gradbook.living.explorer.in_bytes. */
export const coordinateOfByte = (byte) => byte / 127.5 - 1;

/** The local coordinates of one photograph: the first of each of its patches, then the second, flat. */
export function localCoordinates(bytes, photograph, patches) {
  return Float32Array.from(bytes.slice(2 * patches * photograph, 2 * patches * (photograph + 1)), coordinateOfByte);
}

/** The number of the point nearest to (x, y), or -1 if none lies within `reach`; xs, ys: the points. */
export function nearest(xs, ys, x, y, reach = Infinity) {
  let found = -1, least = reach * reach;
  for (let i = 0; i < xs.length; i++) {
    const far = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (far <= least) [found, least] = [i, far];
  }
  return found;
}

/** The mean place [x, y] of the points with these numbers. */
export function middle(xs, ys, members) {
  const mean = (values) => members.reduce((sum, i) => sum + values[i], 0) / members.length;
  return [mean(xs), mean(ys)];
}

/** RGBA bytes of a picture of three planes with values in [0, 1], one after another. */
export function rgba(planes, pixels) {
  const out = new Uint8ClampedArray(4 * pixels).fill(255); // a clamped array rounds to the nearest
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) out[4 * i + c] = 255 * planes[c * pixels + i];
  return out;
}
