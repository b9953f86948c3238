/** Keys of the reading page: the scene's actions, and what reaches beyond a scene. */
import { ACTIONS, findingsOf, type Action, type Scene } from '../scene/index.js';
import type { Keyed } from '../panels/ov-shortcuts.js';

export type CommandName = 'accept' | 'reject' | 'save-adjustment' | 'show-keys' | 'undo' | 'redo';

export interface Command extends Keyed {
  readonly name: CommandName;
  readonly shortcut: string;
  readonly predicate: (scene: Scene, mayJudge: boolean) => boolean;
}

const hasChosen = (scene: Scene, mayJudge: boolean): boolean =>
  mayJudge && scene.draft === null && scene.selected !== null && findingsOf(scene).length > 0;

export const COMMANDS: readonly Command[] = [
  {
    name: 'save-adjustment',
    label: 'Save the adjusted outline',
    shortcut: 'Enter',
    predicate: (scene, mayJudge) => mayJudge && scene.draft !== null,
  },
  { name: 'accept', label: 'Accept the finding', shortcut: 'Enter', predicate: hasChosen },
  { name: 'reject', label: 'Reject the finding, with a reason', shortcut: 'Backspace', predicate: hasChosen },
  { name: 'undo', label: 'Undo', shortcut: 'U', predicate: () => true },
  { name: 'redo', label: 'Redo', shortcut: 'Y', predicate: () => true },
  { name: 'show-keys', label: 'This list', shortcut: '?', predicate: () => true },
];

/** Everything with a key, for the list under "?". */
export function listKeyed(): readonly Keyed[] {
  return [...COMMANDS, ...ACTIONS];
}

export type Meant =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'action'; readonly action: Action };

/** What a key means now; letters match in either case, a person's own keys come first. */
export function findMeant(
  scene: Scene,
  key: string,
  mayJudge: boolean,
  changed: Readonly<Record<string, string>>,
): Meant | undefined {
  const wanted = key.length === 1 ? key.toUpperCase() : key;
  const keyOf = (one: Keyed): string | undefined => changed[one.name] ?? one.shortcut;
  const command = COMMANDS.find((one) => keyOf(one) === wanted && one.predicate(scene, mayJudge));
  if (command !== undefined) return { kind: 'command', command };
  const action = ACTIONS.find((one) => keyOf(one) === wanted && one.predicate(scene));
  return action === undefined ? undefined : { kind: 'action', action };
}
