// Which patches change which places of a feature map (gradbook.analysis.receptive.occlusion), without a page.

/** Changes from their bytes, each the square root of a change's share of the largest, `top`. */
export const decoded = (codes, top) => Float32Array.from(codes, (code) => top * (code / 255) ** 2);

/** Column n of a table whose rows have `width` numbers. */
export const column = (table, width, n) => Float32Array.from({ length: table.length / width }, (_, row) => table[row * width + n]);

/**
 * First and last pixel, inside an image of S pixels, of the receptive field of place i of H. The stage has a field { size, stride,
 * centre } and `places` places, before it is resized to H.
 */
export function windowOf(i, H, S, { size, stride, centre, places }) {
  const at = (i * (places - 1)) / (H - 1), reach = (size - 1) / 2; // between two places, both are used
  const first = stride * Math.floor(at + 1e-9) + centre - reach, last = stride * Math.ceil(at - 1e-9) + centre + reach;
  return [Math.max(Math.round(first), 0), Math.min(Math.round(last), S - 1)];
}

/** The edges [x1, y1, x2, y2] around the marked cells of a square board of side x side cells; marked: row after row. */
export function outline(marked, side) {
  const is = (row, col) => row >= 0 && col >= 0 && row < side && col < side && marked[row * side + col];
  const edges = [];
  for (let row = 0; row <= side; row++) {
    for (let col = 0; col <= side; col++) {
      if (!is(row, col) !== !is(row - 1, col)) edges.push([col, row, col + 1, row]);
      if (!is(row, col) !== !is(row, col - 1)) edges.push([col, row, col, row + 1]);
    }
  }
  return edges;
}
