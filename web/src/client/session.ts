import type { Session } from '../words/index.js';
import type { Sessions } from './contract.js';
import { ProblemError, postJson, type Transport } from './transport.js';

const SESSION = '/api/v1/session';

export interface OwnSessions extends Sessions {
  /** The server ended it: forget it here. */
  lose(): void;
}

export function createSessions(transport: Transport): OwnSessions {
  let session: Session | null = null;
  const listeners = new Set<(session: Session | null) => void>();

  function become(next: Session | null): void {
    if (next === session) return;
    session = next;
    for (const listener of [...listeners]) listener(next);
  }

  return {
    current: () => session,
    lose: () => become(null),
    async restore() {
      try {
        become(await transport.json<Session>(SESSION));
      } catch (error) {
        if (!(error instanceof ProblemError) || error.status !== 401) throw error;
        become(null);
      }
      return session;
    },
    async signIn(username, password) {
      const opened = await transport.json<Session>(SESSION, postJson({ username, password }));
      become(opened);
      return opened;
    },
    async signOut() {
      await transport.send(SESSION, { method: 'DELETE' });
      become(null);
    },
    on(listener) {
      listeners.add(listener);
      return { dispose: () => void listeners.delete(listener) };
    },
  };
}
