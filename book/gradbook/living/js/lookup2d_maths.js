import { interpolate, knotPosition } from "./lookup_maths.js";

/** The feature of K numbers that a grid of R x R knots gives at c in [-1, 1]^2: gradlib.grids.Grid. */
export function featureAt(G, K, c, R, { aligned, padding }) {
  return interpolate(G, K, c.map((place) => knotPosition(place, R, aligned)), R, padding);
}

/** The features at N places, one after another; places: c of each place, flat. */
export function featuresAt(G, K, places, R, rules) {
  const out = new Float64Array((places.length / 2) * K);
  for (let n = 0; 2 * n < places.length; n++) out.set(featureAt(G, K, [places[2 * n], places[2 * n + 1]], R, rules), n * K);
  return out;
}

/** The `count` features of a bank (N x K, flat) that are nearest to one: [number, squared distance], nearest first. */
export function nearest(feature, bank, count) {
  const K = feature.length, found = [];
  for (let n = 0; n * K < bank.length; n++) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += (feature[k] - bank[n * K + k]) ** 2;
    found.push([n, sum]);
  }
  return found.sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, count);
}
