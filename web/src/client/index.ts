export type * from './contract.js';
export { createClient, type ClientOptions } from './client.js';
export { OfflineError, ProblemError } from './transport.js';
