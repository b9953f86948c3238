/** What components tell those above them. */

/** Tell the page; crosses shadow boundaries. */
export function emit(from: EventTarget, name: `ov-${string}`, detail?: unknown): void {
  from.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}
