import { interpolate, knotPosition } from "./lookup_maths.js";

/** The feature of K numbers of a grid of R x R knots at c in [-1, 1]^2: gradlib.grids.Grid. */
export function featureAt(G, K, c, R, { aligned, padding }) {
  return interpolate(G, K, c.map((coordinate) => knotPosition(coordinate, R, aligned)), R, padding);
}

/** The features at N places, N x K, flat; places: N x 2, flat. */
export function featuresAt(G, K, places, R, rules) {
  const out = new Float64Array((places.length / 2) * K);
  for (let n = 0; 2 * n < places.length; n++) out.set(featureAt(G, K, [places[2 * n], places[2 * n + 1]], R, rules), n * K);
  return out;
}

/** The `count` features of a bank (N x K, flat) nearest to one feature: [number, squared distance] each, nearest first. */
export function nearest(feature, bank, count) {
  const K = feature.length, pairs = [];
  for (let n = 0; n * K < bank.length; n++) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += (feature[k] - bank[n * K + k]) ** 2;
    pairs.push([n, sum]);
  }
  return pairs.sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, count);
}
