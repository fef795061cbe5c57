// Interpolation between the knots of a grid with any number of axes: gradlib.grids in plain JavaScript, without a page.

/** v of Eq. 1 for a coordinate c in [-1, 1]: gradlib.grids.knot_position. */
export const knotPosition = (c, R, alignCorners = true) => (alignCorners ? ((c + 1) * (R - 1)) / 2 : ((c + 1) * R - 1) / 2);

/** The coordinate of a position in knots: the inverse of knotPosition. */
export const coordinateOf = (v, R, alignCorners = true) => (alignCorners ? (2 * v) / (R - 1) - 1 : (2 * v + 1) / R - 1);

/**
 * The 2^D knots around v, as rows of the flattened grid, and their weights. v: D positions in knots; R: knots on each axis.
 * Beyond the ends "border" repeats the outermost value; under "zeros" a knot outside has weight 0.
 */
export function corners(v, R, padding = "border") {
  const limited = padding === "border" ? v.map((value) => Math.min(Math.max(value, 0), R - 1)) : v;
  const low = limited.map(Math.floor);
  const rows = [], weights = [];
  for (let corner = 0; corner < 1 << v.length; corner++) {
    let row = 0, weight = 1;
    for (let axis = 0; axis < v.length; axis++) {
      const up = (corner >> (v.length - 1 - axis)) & 1, knot = low[axis] + up, t = limited[axis] - low[axis];
      if (knot < 0 || knot >= R) weight = 0;
      else weight *= up ? t : 1 - t;
      row = row * R + Math.min(Math.max(knot, 0), R - 1);
    }
    rows.push(row);
    weights.push(weight);
  }
  return { rows, weights };
}

/** The feature of K numbers at v (Eq. 1): the weighted sum of the knots around it. G: R^D rows of K numbers, flat. */
export function interpolate(G, K, v, R, padding = "border") {
  const { rows, weights } = corners(v, R, padding), out = new Float64Array(K);
  rows.forEach((row, n) => {
    if (weights[n] !== 0) for (let k = 0; k < K; k++) out[k] += weights[n] * G[row * K + k];
  });
  return out;
}
