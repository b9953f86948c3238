import { defineConfig } from 'vitest/config';

// The service serves this folder as static files; `make wheel` ships it.
const OUTPUT = '../src/overread/api/web';

export default defineConfig({
  base: '/',
  resolve: {
    // vtk.js pulls in xmlbuilder2, which extends Node's EventEmitter; without the trailing slash
    // the bundler substitutes an empty module and the page dies at load.
    alias: { events: 'events/' },
  },
  worker: { format: 'es' },
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: 'es2022',
    // WASM stays a file of its own: the policy of the page forbids data: URLs for scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8000' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
