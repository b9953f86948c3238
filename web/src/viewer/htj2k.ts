/** HTJ2K codestreams are decoded in a worker, so that scrolling never waits for one. */
import type { Frame } from '../client/index.js';
import type { DecodeReply, DecodeRequest } from './htj2k.worker.js';
import DecodeWorker from './htj2k.worker.js?worker';

interface Waiter {
  resolve: (frame: Frame) => void;
  reject: (reason: unknown) => void;
  frame: Frame;
}

let worker: Worker | undefined;
let requests = 0;
const waiting = new Map<number, Waiter>();

function start(): Worker {
  const started = new DecodeWorker();
  started.onmessage = ({ data }: MessageEvent<DecodeReply>) => {
    const waiter = waiting.get(data.id);
    waiting.delete(data.id);
    if (waiter === undefined) return;
    if (data.kind === 'failed') {
      waiter.reject(new Error(`The picture could not be decoded: ${data.reason}`));
      return;
    }
    waiter.resolve({
      ...waiter.frame,
      media_type: 'application/octet-stream',
      rows: data.rows,
      columns: data.columns,
      samples: data.samples,
      bits: data.bits,
      is_signed: data.is_signed,
      bytes: data.bytes,
    });
  };
  started.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
    worker = undefined;
  };
  return started;
}

export function decodeHtj2k(frame: Frame): Promise<Frame> {
  worker ??= start();
  requests += 1;
  const request: DecodeRequest = { id: requests, bytes: frame.bytes };
  const to = worker;
  return new Promise((resolve, reject) => {
    waiting.set(request.id, { resolve, reject, frame });
    to.postMessage(request, [request.bytes]);
  });
}
