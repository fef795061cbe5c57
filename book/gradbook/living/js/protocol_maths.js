import { averaged, banded, largestOf, multiplied, upsamplingRows } from "./matrix_maths.js";
import { BOX, POOL_DIVISOR } from "./scores_maths.js";

// The choices behind an image score as matrices along one axis: gradbook.analysis.protocol_switches in plain JavaScript, without a
// page. A reading is an object of switches, on where they are true.

/** The matrix along one axis of the map that is shown. */
export function mapRows(n, size, { smooth, unaligned }) {
  const rows = upsamplingRows(n, size, unaligned);
  return smooth ? averaged(rows, BOX, (BOX - 1) / 2) : rows;
}

/** The matrix of all windows along one axis of the map that is scored. */
export function scoreRows(n, size, { smooth, score_smoothed, small_window, unaligned }) {
  const window = Math.max(Math.floor(size / (small_window ? 2 * POOL_DIVISOR : POOL_DIVISOR)), 1);
  return averaged(mapRows(n, size, { smooth: smooth && score_smoothed, unaligned }), window);
}

const rowsByKey = new Map(); // few: n, size and switches take few values

/** The banded rows of compute(n, size, reading), computed once for each n, size and reading. */
function cached(compute, n, size, reading) {
  const { smooth, score_smoothed, small_window, unaligned } = reading;
  const key = [compute.name, n, size, smooth, score_smoothed, small_window, unaligned].map(String).join();
  if (!rowsByKey.has(key)) rowsByKey.set(key, banded(compute(n, size, reading)));
  return rowsByKey.get(key);
}

/** The anomaly map of d (size x size) under a reading; only every `every`-th row and column. */
export function readMap(d, H, W, size, reading, every = 1) {
  const thinned = (n) => cached(mapRows, n, size, reading).filter((_, at) => at % every === 0);
  return multiplied(thinned(H), d, thinned(W), W);
}

/** The image score of d under a reading. */
export function readScore(d, H, W, size, reading) {
  return largestOf(multiplied(cached(scoreRows, H, size, reading), d, cached(scoreRows, W, size, reading), W));
}

/** The number of a combination of switches: switch i is bit i. */
export const combination = (on) => on.reduce((sum, set, i) => sum + (set ? 2 ** i : 0), 0);
