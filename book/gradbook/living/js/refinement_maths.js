// Feature refinement, pixel by pixel: gradlib.refinement in plain JavaScript, without a page.

/** S (Eq. 6) from each pixel's mean squared error and cosine similarity. */
export const similarities = (mse, cosine, { k, lambda_1, lambda_2 }) => Float64Array.from(mse, (error, i) => lambda_1 * (error < k) + lambda_2 * cosine[i]);

/** d (Eq. 8) from S and |x - f^n|. */
export const errors = (S, distance) => Float64Array.from(S, (s, i) => Math.abs(1 - s) * distance[i]);

/** One channel of x-hat (Eq. 5). */
export const refined = (x, f_n, S) => Float64Array.from(S, (s, i) => s * x[i] + (1 - s) * f_n[i]);

/** The share of pixels whose mean squared error is below k. */
export const shareBelow = (mse, k) => mse.reduce((count, error) => count + (error < k), 0) / mse.length;
