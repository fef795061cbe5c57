import { averaged, banded, largestOf, multiplied, upsamplingRows } from "./matrix_maths.js";

// From the map d to the anomaly map and the image score: gradlib.scores in plain JavaScript, without a page.

export const BOX = 21, POOL_DIVISOR = 7; // pixels of the released code's smoothing; the pooling window is size / 7 pixels wide

/** Sums over `window` neighbours along rows of n numbers, padded by zeros; transposed, so that two calls cover both axes. */
function slidingSums(values, rows, n, window, padding) {
  const count = n + 2 * padding - window + 1, out = new Float64Array(rows * count), sums = new Float64Array(n + 1);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < n; i++) sums[i + 1] = sums[i] + values[row * n + i];
    for (let i = 0; i < count; i++) {
      const first = i - padding;
      out[i * rows + row] = sums[Math.min(first + window, n)] - sums[Math.max(first, 0)];
    }
  }
  return out; // count x rows
}

/** The means over window x window boxes of a size x size map, at stride 1. */
export function boxMean(map, size, window, padding = 0) {
  const count = size + 2 * padding - window + 1;
  return slidingSums(slidingSums(map, size, size, window, padding), count, size, window, padding).map((sum) => sum / window ** 2);
}

/** d (H x W) upsampled to size x size, bilinearly, by default with aligned corners; "released" averages it over a box. */
export function anomalyMap(d, H, W, size, protocol = "paper", aligned = true) {
  const rows = (n) => banded(upsamplingRows(n, size, !aligned)), map = multiplied(rows(H), d, rows(W), W);
  return protocol === "released" ? boxMean(map, size, BOX, (BOX - 1) / 2) : map;
}

/** The matrices of the pooling windows that imageScore needs for H x W maps upsampled to size x size. */
export function pooling(H, W, size) {
  const window = Math.max(Math.floor(size / POOL_DIVISOR), 1), rows = (n) => banded(averaged(upsamplingRows(n, size), window));
  return { down: rows(H), across: rows(W), W };
}

/**
 * The image score of d (H x W) under "paper": the largest mean over a window of the upsampled map. Upsampling and averaging
 * are linear, so the means are computed from d directly, which is fast.
 */
export const imageScore = (d, { down, across, W }) => largestOf(multiplied(down, d, across, W));
