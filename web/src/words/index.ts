export * from './affine.js';
export * from './confidence.js';
export * from './coordinates.js';
export type * from './disposable.js';
export type * from './wire.js';
