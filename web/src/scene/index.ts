export * from './actions.js';
export * from './presets.js';
export * from './scene.js';
export * from './store.js';
