// From an image's pixels to the network's input, as in Python (Pillow, gradbook.analysis.brush), without a page.

const BITS = 22; // Pillow's fixed-point weights: the sum of 8-bit numbers times these stays below 2^31

/**
 * Pillow's bilinear filter along one axis: for each of `to` places the first source place and the weights from there on. The
 * filter is a triangle whose width grows with the reduction, so that shrinking averages; weights are multiples of 2^-22.
 */
export function triangle(from, to) {
  const scale = from / to, wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, at) => {
    const middle = (at + 0.5) * scale;
    const first = Math.max(Math.trunc(middle - wide + 0.5), 0), end = Math.min(Math.trunc(middle + wide + 0.5), from);
    const weights = Array.from({ length: end - first }, (_w, k) => Math.max(1 - Math.abs((k + first - middle + 0.5) / wide), 0));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(weights, (weight) => Math.floor(0.5 + (weight / sum) * 2 ** BITS)) };
  });
}

/** One pass along the last axis of rows x from pixels of 4 bytes; returns to x rows pixels, transposed, rounded to 8 bits. */
function pass(pixels, rows, from, to) {
  const out = new Uint8Array(4 * rows * to), half = 2 ** (BITS - 1);
  triangle(from, to).forEach(({ first, weights }, at) => {
    for (let row = 0; row < rows; row++) {
      let red = half, green = half, blue = half;
      for (let k = 0, i = 4 * (row * from + first); k < weights.length; k++, i += 4) {
        red += weights[k] * pixels[i];
        green += weights[k] * pixels[i + 1];
        blue += weights[k] * pixels[i + 2];
      }
      const place = 4 * (at * rows + row);
      out[place] = red >> BITS;
      out[place + 1] = green >> BITS;
      out[place + 2] = blue >> BITS;
      out[place + 3] = 255;
    }
  });
  return out; // to x rows
}

/** An image of RGBA bytes squashed to size x size, as by Pillow's Image.resize(..., BILINEAR): across, then down. */
export const squash = (pixels, width, height, size) => pass(pass(pixels, height, width, size), size, height, size);

/** RGBA bytes as the network's input: three planes of numbers from 0 to 255. */
export function planes(pixels, size) {
  const out = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) for (let c = 0; c < 3; c++) out[c * size * size + i] = pixels[4 * i + c];
  return out;
}

/**
 * Paint a line from a to b, in the unit square, into `painted`: gradbook.analysis.brush.paint for one line of a stroke.
 * before: the pixels before the stroke, so that a stroke shades a pixel once; width: as a share of the side; shade: from -1
 * (black) to 1 (white). Returns the box [left, top, right, bottom] of pixels that may have changed.
 */
export function paintLine(before, painted, size, a, b, { width, shade }) {
  const [w, h] = size, radius = Math.max(width / 2, 0.5 / Math.min(w, h));
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]], length = dx * dx + dy * dy || 1, amount = Math.abs(shade), target = shade > 0 ? 255 : 0;
  const low = (p, q, n) => Math.max(Math.floor((Math.min(p, q) - radius) * n), 0);
  const high = (p, q, n) => Math.min(Math.ceil((Math.max(p, q) + radius) * n), n);
  const box = [low(a[0], b[0], w), low(a[1], b[1], h), high(a[0], b[0], w), high(a[1], b[1], h)];
  for (let row = box[1]; row < box[3]; row++) {
    for (let column = box[0]; column < box[2]; column++) {
      const x = (column + 0.5) / w - a[0], y = (row + 0.5) / h - a[1], t = Math.min(Math.max((x * dx + y * dy) / length, 0), 1);
      if ((x - t * dx) ** 2 + (y - t * dy) ** 2 > radius * radius) continue;
      for (let i = 4 * (row * w + column), c = 0; c < 3; c++) painted[i + c] = Math.floor((1 - amount) * before[i + c] + amount * target + 0.5);
    }
  }
  return box;
}

/** An image of RGBA bytes with all strokes, which are those of gradbook.analysis.brush as plain objects. */
export function paintStrokes(pixels, size, strokes) {
  let painted = Uint8ClampedArray.from(pixels);
  for (const { points, width, shade } of strokes) {
    const before = painted;
    painted = Uint8ClampedArray.from(before);
    points.forEach((point, n) => paintLine(before, painted, size, points[Math.max(n - 1, 0)], point, { width, shade }));
  }
  return painted;
}

/** A mask of the pixels that differ, 1 or 0 each; pixels, others: RGBA bytes. */
export function differing(pixels, others) {
  const mask = new Uint8Array(pixels.length / 4);
  for (let i = 0; i < pixels.length; i++) if (pixels[i] !== others[i]) mask[i >> 2] = 1;
  return mask;
}

/** The means of a map inside and outside of a mask; NaN without pixels. */
export function means(map, mask) {
  const sum = [0, 0], count = [0, 0];
  map.forEach((value, i) => { sum[mask[i]] += value; count[mask[i]] += 1; });
  return { inside: sum[1] / count[1], outside: sum[0] / count[0] };
}

/** A mask of the H x H places of the map that are nearest to a marked pixel; the outermost places lie on the border. */
export function placesOf(mask, size, H) {
  const out = new Uint8Array(H * H), nearest = (x) => Math.floor((x * (H - 1)) / (size - 1) + 0.5);
  mask.forEach((on, i) => { if (on) out[nearest(Math.floor(i / size)) * H + nearest(i % size)] = 1; });
  return out;
}
