import { averaged, enlarging, framed, largestOf } from "./protocol_maths.js";
import { boxMean } from "./scores_maths.js";

// From an enlarged map to a score, with any smoothing and any window. No page is needed here.

/** The smoothed map, the means of all windows (count x count), the largest of them and where its window begins. */
export function scored(enlarged, size, smoothing, window) {
  const map = smoothing > 1 ? boxMean(enlarged, size, smoothing, (smoothing - 1) / 2) : enlarged;
  const means = window > 1 ? boxMean(map, size, window) : map, count = size - window + 1;
  let top = 0;
  for (let i = 1; i < means.length; i++) if (means[i] > means[top]) top = i;
  return { map, means, count, score: means[top], row: Math.floor(top / count), column: top % count };
}

/**
 * The scores of several d of H x W numbers, without their maps: enlarging, smoothing and averaging are linear, so the windows'
 * means come from d at once, which is quick.
 */
export function scoresOf(parts, H, W, size, smoothing, window, aligned) {
  const rows = (n) => averaged(averaged(enlarging(n, size, !aligned), smoothing, (smoothing - 1) / 2), window);
  const down = rows(H), across = H === W ? down : rows(W);
  return parts.map((d) => largestOf(framed(down, d, across)));
}

/** The windows' means at the places of their centres, NaN where no window is centred: size x size. */
export function centred(means, count, size) {
  const out = new Float64Array(size * size).fill(NaN), edge = (size - count) >> 1;
  for (let row = 0; row < count; row++) out.set(means.subarray(row * count, (row + 1) * count), (row + edge) * size + edge);
  return out;
}
