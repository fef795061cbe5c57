import { averaged, banded, largestOf, multiplied, upsamplingRows } from "./matrix_maths.js";
import { boxMean } from "./scores_maths.js";

// From an upsampled map to a score, with any smoothing and any window, without a page.

/** The smoothed map, the means of all windows (count x count), the largest of them and the first row and column of its window. */
export function scored(upsampled, size, smoothing, window) {
  const map = smoothing > 1 ? boxMean(upsampled, size, smoothing, (smoothing - 1) / 2) : upsampled;
  const means = window > 1 ? boxMean(map, size, window) : map, count = size - window + 1;
  let top = 0;
  for (let i = 1; i < means.length; i++) if (means[i] > means[top]) top = i;
  return { map, means, count, score: means[top], row: Math.floor(top / count), column: top % count };
}

/**
 * The scores of several d (H x W), without their maps: upsampling, smoothing and averaging are linear, so the windows' means
 * are computed from d directly, which is fast.
 */
export function scoresOf(maps, H, W, size, smoothing, window, aligned) {
  const rows = (n) => banded(averaged(averaged(upsamplingRows(n, size, !aligned), smoothing, (smoothing - 1) / 2), window));
  const down = rows(H), across = H === W ? down : rows(W);
  return maps.map((d) => largestOf(multiplied(down, d, across, W)));
}

/** The windows' means at the centres of the windows, NaN elsewhere: size x size. */
export function centred(means, count, size) {
  const out = new Float64Array(size * size).fill(NaN), edge = (size - count) >> 1;
  for (let row = 0; row < count; row++) out.set(means.subarray(row * count, (row + 1) * count), (row + edge) * size + edge);
  return out;
}
