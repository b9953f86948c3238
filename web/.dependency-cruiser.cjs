// The ladder: each rung knows only those before it.
const ladder = ['words', 'client', 'scene', 'viewer', 'panels', 'hosts', 'desk'];

const upward = ladder.slice(0, -1).map((rung, position) => ({
  name: `${rung}-knows-only-what-lies-below`,
  severity: 'error',
  from: { path: `^src/${rung}/` },
  to: { path: `^src/(${ladder.slice(position + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      // Vite resolves `?worker`, `?url` and the like by itself.
      to: { couldNotResolve: true, pathNot: '\\?(worker|url|raw|inline)' },
    },
    {
      name: 'cornerstone-stays-in-the-viewer',
      severity: 'error',
      from: { pathNot: '^src/viewer/' },
      to: { path: 'node_modules/@cornerstonejs/' },
    },
    {
      name: 'pure-rungs-have-no-components',
      severity: 'error',
      from: { path: '^src/(words|client|scene|viewer)/' },
      to: { path: 'node_modules/lit' },
    },
    ...upward,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'browser', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
