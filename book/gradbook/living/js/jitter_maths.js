import { knotPosition } from "./lookup_maths.js";

/** A seeded stream of uniform numbers in [0, 1) (mulberry32). */
export function uniform(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The random numbers of a step with N patches: uniform coins, one for each patch or one for all, and 2 N normal numbers (Box-Muller). */
export function stepNoise(seed, N, per) {
  const next = uniform(seed);
  const coins = Float64Array.from({ length: per === "pixel" ? N : 1 }, next), noise = new Float64Array(2 * N);
  for (let n = 0; n < N; n++) {
    const length = Math.sqrt(-2 * Math.log(1 - next())), angle = 2 * Math.PI * next();
    noise[2 * n] = length * Math.cos(angle);
    noise[2 * n + 1] = length * Math.sin(angle);
  }
  return { coins, noise };
}

/** gradlib.coordinates.jitter for places (N x 2, flat): a patch moves if its coin, or the only one, is below `fraction`. */
export function jittered(places, { coins, noise }, std, fraction) {
  const out = new Float64Array(places);
  for (let i = 0; i < out.length; i++) {
    if (coins[coins.length === 1 ? 0 : i >> 1] < fraction) out[i] += std * noise[i];
  }
  return out;
}

/**
 * The weight of each of R x R knots in the interpolations at all places, which is its gradient if that of every interpolation is
 * 1. Written without `corners`, whose small arrays would make 200 steps too slow for a slider.
 */
export function footprint(places, R) {
  const sum = new Float64Array(R * R), last = R - 1;
  const position = (c) => Math.min(Math.max(knotPosition(c, R), 0), last); // "border"
  for (let i = 0; i < places.length; i += 2) {
    const v = position(places[i]), w = position(places[i + 1]);
    const row = Math.min(Math.floor(v), last - 1), column = Math.min(Math.floor(w), last - 1); // the last knot belongs to the square before it
    const s = v - row, t = w - column, knot = row * R + column;
    sum[knot] += (1 - s) * (1 - t);
    sum[knot + 1] += (1 - s) * t;
    sum[knot + R] += s * (1 - t);
    sum[knot + R + 1] += s * t;
  }
  return sum;
}

/**
 * Of the footprints of several steps: their mean, the number of knots that each step touches and that any step touches, and the
 * distance of each from the footprint without jitter.
 */
export function summary(footprints, withoutJitter) {
  const mean = withoutJitter.map((_, knot) => footprints.reduce((sum, step) => sum + step[knot], 0) / footprints.length);
  const distances = footprints.map((step) => Math.hypot(...step.map((weight, knot) => weight - withoutJitter[knot])));
  return { mean, each: footprints.map(touched), any: touched(mean), distances };
}

/** The number of knots in a footprint. */
export const touched = (weights) => weights.reduce((count, weight) => count + (weight > 0), 0);
