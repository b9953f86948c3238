/** What a person chose for this browser; nothing of a study or a patient is ever kept here. */

export type Theme = 'dark' | 'light';

export interface Preferences {
  readonly theme: Theme;
  readonly isIdentityHidden: boolean;
  readonly areKeysOn: boolean;
  /** Keys that the person changed, by action name. */
  readonly keys: Readonly<Record<string, string>>;
}

export const DEFAULTS: Preferences = {
  theme: 'dark',
  isIdentityHidden: false,
  areKeysOn: true,
  keys: {},
};

const NAME = 'overread.preferences';

/** Read what is stored; anything that is not ours is ignored. */
export function parsePreferences(text: string | null): Preferences {
  if (text === null) return DEFAULTS;
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return DEFAULTS;
    throw error;
  }
  if (typeof stored !== 'object' || stored === null) return DEFAULTS;
  const given = stored as Record<string, unknown>;
  const keys = Object.entries(typeof given['keys'] === 'object' ? (given['keys'] ?? {}) : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    theme: given['theme'] === 'light' ? 'light' : 'dark',
    isIdentityHidden: given['isIdentityHidden'] === true,
    areKeysOn: given['areKeysOn'] !== false,
    keys: Object.fromEntries(keys),
  };
}

export function readPreferences(): Preferences {
  try {
    return parsePreferences(window.localStorage.getItem(NAME));
  } catch (error) {
    // Storage is closed to us (an embedded page, a private window): the defaults hold.
    if (error instanceof DOMException) return DEFAULTS;
    throw error;
  }
}

export function writePreferences(preferences: Preferences): void {
  try {
    window.localStorage.setItem(NAME, JSON.stringify(preferences));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
