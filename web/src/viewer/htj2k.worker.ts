import createModule from '@cornerstonejs/codec-openjph/wasmjs';
import wasmUrl from '@cornerstonejs/codec-openjph/wasm?url';

export interface DecodeRequest {
  readonly id: number;
  readonly bytes: ArrayBuffer;
}

export type DecodeReply =
  | {
      readonly kind: 'decoded';
      readonly id: number;
      readonly rows: number;
      readonly columns: number;
      readonly samples: number;
      /** 8 or 16: the width of the decoded samples. */
      readonly bits: number;
      readonly is_signed: boolean;
      readonly bytes: ArrayBuffer;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };

interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  };
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

interface CodecModule {
  HTJ2KDecoder: new () => Decoder;
}

// The codec ships no types.
const loading = (
  createModule as (options: { locateFile: () => string }) => Promise<CodecModule>
)({ locateFile: () => wasmUrl });

async function decode(request: DecodeRequest): Promise<DecodeReply> {
  const { HTJ2KDecoder } = await loading;
  const decoder = new HTJ2KDecoder();
  try {
    decoder.getEncodedBuffer(request.bytes.byteLength).set(new Uint8Array(request.bytes));
    decoder.decode();
    const info = decoder.getFrameInfo();
    // The buffer lies in the codec's own memory and is used again: copy it out.
    const bytes = decoder.getDecodedBuffer().slice().buffer;
    return {
      kind: 'decoded',
      id: request.id,
      rows: info.height,
      columns: info.width,
      samples: info.componentCount,
      bits: info.bitsPerSample > 8 ? 16 : 8,
      is_signed: info.isSigned,
      bytes,
    };
  } finally {
    decoder.delete();
  }
}

// Typed by hand: the page's own library of types and the worker's do not go together.
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<DecodeRequest>) => void) | null;
  postMessage(reply: DecodeReply, transfer: Transferable[]): void;
};

scope.onmessage = ({ data }) => {
  decode(data).then(
    (reply) => scope.postMessage(reply, reply.kind === 'decoded' ? [reply.bytes] : []),
    (error: unknown) =>
      scope.postMessage({ kind: 'failed', id: data.id, reason: String(error) }, []),
  );
};
