import { knotPosition } from "./lookup_maths.js";

/** A stream of numbers in [0, 1) that a seed decides (mulberry32). */
export function uniform(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one step draws for N patches: coins in [0, 1), one for each or one for all, and 2 N normal numbers (Box-Muller). */
export function drawn(seed, N, per) {
  const next = uniform(seed);
  const coins = Float64Array.from({ length: per === "pixel" ? N : 1 }, next), noise = new Float64Array(2 * N);
  for (let n = 0; n < N; n++) {
    const length = Math.sqrt(-2 * Math.log(1 - next())), angle = 2 * Math.PI * next();
    noise[2 * n] = length * Math.cos(angle);
    noise[2 * n + 1] = length * Math.sin(angle);
  }
  return { coins, noise };
}

/** gradlib.coordinates.jitter for places (N x 2, flat): a patch is moved where its coin, or the only one, is below `fraction`. */
export function jittered(places, { coins, noise }, std, fraction) {
  const out = new Float64Array(places);
  for (let i = 0; i < out.length; i++) {
    if (coins[coins.length === 1 ? 0 : i >> 1] < fraction) out[i] += std * noise[i];
  }
  return out;
}

/**
 * What each of R x R knots weighs in the readings at all places: its gradient if that of every reading is 1. Written
 * without lookup_maths' corners, whose small arrays would make 200 steps too slow for a slider.
 */
export function footprint(places, R) {
  const sum = new Float64Array(R * R), last = R - 1;
  const held = (c) => Math.min(Math.max(knotPosition(c, R), 0), last); // "border"
  for (let i = 0; i < places.length; i += 2) {
    const v = held(places[i]), w = held(places[i + 1]);
    const row = Math.min(Math.floor(v), last - 1), column = Math.min(Math.floor(w), last - 1); // the last knot ends a square
    const s = v - row, t = w - column, knot = row * R + column;
    sum[knot] += (1 - s) * (1 - t);
    sum[knot + 1] += (1 - s) * t;
    sum[knot + R] += s * (1 - t);
    sum[knot + R + 1] += s * t;
  }
  return sum;
}

/**
 * The footprints of some steps put together: their mean, how many knots each step touched, how many any of them
 * touched, and how far each lies from the footprint `still` without jitter (the length of the difference).
 */
export function summary(footprints, still) {
  const mean = still.map((_, knot) => footprints.reduce((sum, step) => sum + step[knot], 0) / footprints.length);
  const apart = footprints.map((step) => Math.hypot(...step.map((weight, knot) => weight - still[knot])));
  return { mean, each: footprints.map(touched), ever: touched(mean), apart };
}

/** How many knots a footprint reaches. */
export const touched = (weights) => weights.reduce((count, weight) => count + (weight > 0), 0);
