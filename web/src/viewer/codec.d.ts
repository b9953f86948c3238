declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const createModule: unknown;
  export default createModule;
}

declare module '@cornerstonejs/codec-openjph/wasm?url' {
  const url: string;
  export default url;
}
