/** One small edge: every request of the application passes through `send`. */
import type { Problem } from '../words/index.js';

/** The service answered with a problem document (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  /** Asking again with the same input may help: the other side is busy or away. */
  get isPassing(): boolean {
    return this.status >= 500 || this.status === 408 || this.status === 425 || this.status === 429;
  }
}

/** No answer at all: no network, or the service is away. */
export class OfflineError extends Error {
  override readonly name = 'OfflineError';
}

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

export interface Transport {
  /** Send with the cookie and, for unsafe methods, the session's CSRF token.
   *
   * Throws `ProblemError` for answers from 400 on, `OfflineError` for none, and `AbortError` as is. */
  send(path: string, init?: RequestInit): Promise<Response>;
  json<Value>(path: string, init?: RequestInit): Promise<Value>;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createTransport(
  fetch: Fetch,
  csrfToken: () => string | undefined,
  onSignedOut: () => void,
): Transport {
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!SAFE_METHODS.has(init.method ?? 'GET')) {
      const token = csrfToken();
      if (token !== undefined) headers.set('X-Overread-CSRF', token);
    }
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers, credentials: 'same-origin' });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new OfflineError('The service does not answer.', { cause: error });
    }
    if (response.ok) return response;
    if (response.status === 401) onSignedOut();
    throw new ProblemError(await readProblem(response));
  }

  return {
    send,
    async json<Value>(path: string, init: RequestInit = {}) {
      const headers = new Headers(init.headers);
      headers.set('Accept', 'application/json');
      const response = await send(path, { ...init, headers });
      return (await response.json()) as Value;
    },
  };
}

async function readProblem(response: Response): Promise<Problem> {
  const unknown: Problem = {
    type: 'about:blank',
    title: response.statusText || `Status ${response.status}`,
    status: response.status,
    detail: '',
  };
  if (!(response.headers.get('Content-Type') ?? '').includes('json')) return unknown;
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { ...unknown, ...body, status: response.status };
  } catch (error) {
    if (error instanceof SyntaxError) return unknown;
    throw error;
  }
}

export function postJson(body: unknown): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
}
