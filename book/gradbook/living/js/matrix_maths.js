// Upsampling and averaging along one axis as matrices, an array of rows each, without a page.

/** The rows of the matrix (size x n) that upsamples n numbers to `size` linearly, with aligned ends or not. */
export function upsamplingRows(n, size, unaligned = false) {
  return Array.from({ length: size }, (_, at) => {
    const place = unaligned ? Math.max(((at + 0.5) * n) / size - 0.5, 0) : size > 1 ? (at * (n - 1)) / (size - 1) : 0;
    const low = Math.min(Math.floor(place), n - 1), high = Math.min(low + 1, n - 1), row = new Float64Array(n);
    row[low] += 1 - (place - low);
    row[high] += place - low;
    return row;
  });
}

/** Means of `window` neighbouring rows at stride 1, padded by rows of zeros at both ends. */
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

/** The rows of a matrix without the zeros at both ends: { first, weights } each, where `first` is the column of weights[0]. */
export const banded = (rows) => rows.map((row) => {
  const first = row.findIndex((weight) => weight !== 0), end = row.findLastIndex((weight) => weight !== 0) + 1;
  return { first, weights: row.slice(first, end) };
});

/** down · d · acrossᵀ for d (H x W), row after row; down, across: banded rows. */
export function multiplied(down, d, across, W) {
  const out = new Float64Array(down.length * across.length), line = new Float64Array(W);
  let at = 0;
  for (const { first: top, weights: column } of down) {
    line.fill(0);
    for (let i = 0; i < column.length; i++) for (let j = 0; j < W; j++) line[j] += column[i] * d[(top + i) * W + j];
    for (const { first, weights } of across) {
      let sum = 0;
      for (let j = 0; j < weights.length; j++) sum += weights[j] * line[first + j];
      out[at++] = sum;
    }
  }
  return out;
}

/** The largest of many numbers; a loop, because calling a function for each number would be slow. */
export function largestOf(values) {
  let top = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > top) top = values[i];
  return top;
}
