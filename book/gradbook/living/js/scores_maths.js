// From the distance map d to the anomaly map and the image score: gradlib.scores in plain JavaScript. No page is needed here.

export const BOX = 21, POOL_DIVISOR = 7; // pixels of the released code's smoothing; the pool's window is size / 7

/**
 * For each of `to` places along an axis: the source place below and the way from there to the next. Aligned: the outermost
 * centres lie on each other; else the outer edges do, and what lies beyond the outermost source centres repeats them.
 */
function steps(from, to, aligned = true) {
  return Array.from({ length: to }, (_, at) => {
    const ends = to > 1 ? (at * (from - 1)) / (to - 1) : 0, place = aligned ? ends : Math.max(((at + 0.5) * from) / to - 0.5, 0), low = Math.min(Math.floor(place), from - 1);
    return { low, high: Math.min(low + 1, from - 1), t: place - low };
  });
}

/** Sums over `window` neighbours along rows of n numbers, the zeros beyond the ends counted; transposed, so that two calls do both axes. */
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

/** Mean over a window x window box at stride 1 of a size x size map. */
export function boxMean(map, size, window, padding = 0) {
  const count = size + 2 * padding - window + 1;
  return slidingSums(slidingSums(map, size, size, window, padding), count, size, window, padding).map((sum) => sum / window ** 2);
}

/** d, H x W numbers, at size x size: bilinear, corners aligned unless told otherwise, and the mean over a box under "released". */
export function anomalyMap(d, H, W, size, protocol = "paper", aligned = true) {
  const out = new Float64Array(size * size), across = steps(W, size, aligned);
  steps(H, size, aligned).forEach((down, y) => {
    for (let x = 0; x < size; x++) {
      const { low, high, t } = across[x], [above, below] = [down.low * W, down.high * W];
      const upper = (1 - t) * d[above + low] + t * d[above + high], lower = (1 - t) * d[below + low] + t * d[below + high];
      out[y * size + x] = (1 - down.t) * upper + down.t * lower;
    }
  });
  return protocol === "released" ? boxMean(out, size, BOX, (BOX - 1) / 2) : out;
}

/** How much each of `from` places counts in the mean of each window of a seventh of the `to` places: those from `first` on. */
function windows(from, to) {
  const window = Math.max(Math.floor(to / POOL_DIVISOR), 1), all = steps(from, to);
  return Array.from({ length: to - window + 1 }, (_, start) => {
    const within = all.slice(start, start + window), first = within[0].low, weights = new Float64Array(within[window - 1].high - first + 1);
    for (const { low, high, t } of within) {
      weights[low - first] += (1 - t) / window;
      weights[high - first] += t / window;
    }
    return { first, weights };
  });
}

/** What imageScore needs to know of H x W maps that are scored at size x size. */
export const pooling = (H, W, size) => ({ down: windows(H, size), across: windows(W, size), W });

/**
 * The image score of d, H x W numbers, under "paper": the largest mean over a window of the enlarged map. Enlarging and
 * averaging are both linear, so the windows' means come from d at once, which is quick.
 */
export function imageScore(d, { down, across, W }) {
  const row = new Float64Array(W);
  let top = -Infinity;
  for (const { first, weights } of down) {
    row.fill(0);
    weights.forEach((weight, n) => { for (let j = 0; j < W; j++) row[j] += weight * d[(first + n) * W + j]; });
    for (const { first: left, weights: shares } of across) {
      let mean = 0;
      for (let n = 0; n < shares.length; n++) mean += shares[n] * row[left + n];
      top = Math.max(top, mean);
    }
  }
  return top;
}
