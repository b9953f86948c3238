export type * from './contract.js';
export { createViewer } from './viewer.js';
