/** What a subscription gives back: call `dispose` once to end it. */
export interface Subscription {
  dispose(): void;
}
