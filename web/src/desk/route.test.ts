import { expect, it } from 'vitest';

import { DEFAULTS, parsePreferences } from './preferences.js';
import { parseRoute, toPath, type Route } from './route.js';

it.each<[string, Route]>([
  ['/', { page: 'worklist' }],
  ['/worklist', { page: 'worklist' }],
  ['/studies/1.2.840.1', { page: 'study', study: '1.2.840.1' }],
  ['/studies/1.2/more', { page: 'unknown' }],
  ['/studies/Doe^Jane', { page: 'unknown' }],
  [`/studies/${'1'.repeat(65)}`, { page: 'unknown' }],
  ['/models', { page: 'models' }],
  ['/audit', { page: 'audit' }],
  ['/elsewhere', { page: 'unknown' }],
])('%s', (path, route) => expect(parseRoute(path)).toEqual(route));

it('an address that we write names the page that it was written for', () => {
  const routes: Route[] = [
    { page: 'worklist' },
    { page: 'study', study: '1.2.3' },
    { page: 'models' },
    { page: 'audit' },
  ];
  for (const route of routes) expect(parseRoute(toPath(route))).toEqual(route);
});

it('preferences that are not ours are ignored', () => {
  expect(parsePreferences(null)).toEqual(DEFAULTS);
  expect(parsePreferences('{')).toEqual(DEFAULTS);
  expect(parsePreferences('7')).toEqual(DEFAULTS);
  expect(parsePreferences('{"theme":"pink","keys":{"a":1,"b":"X"}}')).toEqual({
    ...DEFAULTS,
    keys: { b: 'X' },
  });
  expect(parsePreferences('{"theme":"light","isIdentityHidden":true,"areKeysOn":false,"keys":null}')).toEqual({
    theme: 'light',
    isIdentityHidden: true,
    areKeysOn: false,
    keys: {},
  });
});
