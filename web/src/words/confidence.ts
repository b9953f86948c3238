/** How a confidence is written, everywhere alike: rounding never makes a certainty of it. */
export function sayConfidence(confidence: number): string {
  if (confidence < 1 && confidence >= 0.995) return '>0.99';
  if (confidence > 0 && confidence < 0.005) return '<0.01';
  return confidence.toFixed(2);
}
