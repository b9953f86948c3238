/** The largest picture side that this machine's WebGL takes; 0 where there is no WebGL. */
export function largestTexture(): number {
  const context = document.createElement('canvas').getContext('webgl2');
  if (context === null) return 0;
  const largest = context.getParameter(context.MAX_TEXTURE_SIZE) as number;
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return largest;
}
