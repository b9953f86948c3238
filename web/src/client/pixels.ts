import type { ImageView } from '../words/index.js';
import type { Frame } from './contract.js';
import type { Transport } from './transport.js';

const RAW = 'application/octet-stream';
const HTJ2K = 'image/jphc';

/** One frame as the service sends it; headers win over the list of images. */
export async function readFrame(
  transport: Transport,
  image: ImageView,
  htj2k: boolean,
  signal: AbortSignal | undefined,
): Promise<Frame> {
  const response = await transport.send(image.pixels_url, {
    headers: { Accept: htj2k ? `${HTJ2K}, ${RAW};q=0.5` : RAW },
    ...(signal === undefined ? {} : { signal }),
  });
  const number = (name: string, otherwise: number): number => {
    const text = response.headers.get(`X-Overread-${name}`);
    return text === null || text === '' ? otherwise : Number(text);
  };
  const signed = response.headers.get('X-Overread-Signed');
  const type = (response.headers.get('Content-Type') ?? RAW).split(';')[0]?.trim() ?? RAW;
  return {
    rows: number('Rows', image.rows),
    columns: number('Columns', image.columns),
    samples: number('Samples', image.samples_per_pixel),
    bits: number('Bits', image.bits_allocated),
    is_signed: signed === null ? image.is_signed : ['1', 'true'].includes(signed.toLowerCase()),
    media_type: type === HTJ2K ? HTJ2K : RAW,
    bytes: await response.arrayBuffer(),
  };
}
