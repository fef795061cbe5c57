import { BOX, POOL_DIVISOR } from "./scores_maths.js";

// The choices behind an image score as matrices along one axis: gradbook.analysis.protocol_switches in plain JavaScript. No page is needed here.

/** Rows that enlarge n numbers to `size`, bilinearly: ends aligned or not. */
export function enlarging(n, size, unaligned) {
  return Array.from({ length: size }, (_, at) => {
    const place = unaligned ? Math.max(((at + 0.5) * n) / size - 0.5, 0) : size > 1 ? (at * (n - 1)) / (size - 1) : 0;
    const low = Math.min(Math.floor(place), n - 1), high = Math.min(low + 1, n - 1), row = new Float64Array(n);
    row[low] += 1 - (place - low);
    row[high] += place - low;
    return row;
  });
}

/** Means of `window` neighbouring rows at stride 1; the zeros beyond both ends are counted. */
export function averaged(rows, window, padding = 0) {
  const n = rows[0].length, count = rows.length + 2 * padding - window + 1;
  return Array.from({ length: count }, (_, first) => {
    const mean = new Float64Array(n);
    for (let i = Math.max(first - padding, 0); i < Math.min(first - padding + window, rows.length); i++) {
      for (let j = 0; j < n; j++) mean[j] += rows[i][j] / window;
    }
    return mean;
  });
}

/** One axis of the map that is shown. */
export function mapRows(n, size, { smooth, unaligned }) {
  const rows = enlarging(n, size, unaligned);
  return smooth ? averaged(rows, BOX, (BOX - 1) / 2) : rows;
}

/** One axis of all windows of the map that is scored. */
export function scoreRows(n, size, { smooth, score_smoothed, small_window, unaligned }) {
  const window = Math.max(Math.floor(size / (small_window ? 2 * POOL_DIVISOR : POOL_DIVISOR)), 1);
  return averaged(mapRows(n, size, { smooth: smooth && score_smoothed, unaligned }), window);
}

/** down · d · acrossᵀ for d of H x W numbers, row after row; the rows of both are zero but for a few neighbours. */
export function framed(down, d, across) {
  const W = across[0].length, out = new Float64Array(down.length * across.length), line = new Float64Array(W);
  const bands = across.map((shares) => ({ first: shares.findIndex((share) => share !== 0), end: shares.findLastIndex((share) => share !== 0) + 1 }));
  down.forEach((weights, y) => {
    line.fill(0);
    weights.forEach((weight, i) => { if (weight) for (let j = 0; j < W; j++) line[j] += weight * d[i * W + j]; });
    for (let x = 0; x < across.length; x++) {
      const shares = across[x], { first, end } = bands[x];
      let sum = 0;
      for (let j = first; j < end; j++) sum += shares[j] * line[j];
      out[y * across.length + x] = sum;
    }
  });
  return out;
}

/** The largest of many numbers: a callback for each would take longer than the numbers themselves. */
export function largestOf(values) {
  let top = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > top) top = values[i];
  return top;
}

const kept = new Map(); // rows by what they depend on: there are few of each

/** Rows as `make` gives them, made once for each n, size and combination. */
function once(make, n, size, on) {
  const key = [make.name, n, size, on.smooth, on.score_smoothed, on.small_window, on.unaligned].map(String).join();
  if (!kept.has(key)) kept.set(key, make(n, size, on));
  return kept.get(key);
}

/** The anomaly map of d, every so many of its size x size pixels. */
export function readMap(d, H, W, size, on, every = 1) {
  const thinned = (n) => once(mapRows, n, size, on).filter((_, at) => at % every === 0);
  return framed(thinned(H), d, thinned(W));
}

/** The image score of d. */
export const readScore = (d, H, W, size, on) => largestOf(framed(once(scoreRows, H, size, on), d, once(scoreRows, W, size, on)));

/** The number of a combination: switch i is bit i. */
export const combination = (on) => on.reduce((sum, set, i) => sum + (set ? 2 ** i : 0), 0);
