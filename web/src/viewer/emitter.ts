import type { Subscription } from '../words/index.js';

export interface Emitter<Events> {
  readonly emit: <Name extends keyof Events>(name: Name, detail: Events[Name]) => void;
  readonly on: <Name extends keyof Events>(
    name: Name,
    listener: (detail: Events[Name]) => void,
  ) => Subscription;
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(detail: never) => void>>();
  return {
    emit(name, detail) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        (listener as (detail: Events[typeof name]) => void)(detail);
      }
    },
    on(name, listener) {
      const all = listeners.get(name) ?? new Set();
      all.add(listener);
      listeners.set(name, all);
      return { dispose: () => void all.delete(listener) };
    },
  };
}
