// Outcomes of a threshold (gradlib.deploy.thresholds.confusion) and a histogram, without a page.

/** Counts of the four outcomes if every score at or above the threshold is called defective; labels: 0 normal, 1 defective. */
export function confusion(scores, labels, threshold) {
  const counts = { found: 0, missed: 0, alarms: 0, passed: 0 };
  scores.forEach((score, i) => {
    if (score >= threshold) counts[labels[i] ? "found" : "alarms"] += 1;
    else counts[labels[i] ? "missed" : "passed"] += 1;
  });
  return counts;
}

/** Recall, false alarm rate and precision; NaN where the denominator is 0. */
export const rates = ({ found, missed, alarms, passed }) => ({
  recall: found / (found + missed),
  alarmRate: alarms / (alarms + passed),
  precision: found / (found + alarms),
});

/** The number of values in each of `bins` equal parts of [low, high]; the last part includes its upper end. */
export function histogram(values, low, high, bins) {
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[Math.min(Math.floor(((value - low) / (high - low)) * bins), bins - 1)] += 1;
  return counts;
}
