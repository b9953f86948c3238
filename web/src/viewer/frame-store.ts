/**
 * Pictures of one series: loaded by need, near ones and flagged ones ahead, and bounded in bytes,
 * since a phone's browser dies without a word when it runs out.
 */
import type { Client } from '../client/index.js';
import type { ImageView } from '../words/index.js';
import { decodeHtj2k } from './htj2k.js';
import { toPicture, type Picture } from './picture.js';

const MEGABYTE = 1024 * 1024;
const PARALLEL_REQUESTS = 4;

/** Bytes of decoded pictures to keep: `deviceMemory` is in GiB and unknown on iOS. */
export function budgetBytes(deviceMemory: number | undefined, isSmallScreen: boolean): number {
  if (deviceMemory === undefined) return (isSmallScreen ? 128 : 512) * MEGABYTE;
  return Math.min(1024, Math.max(96, deviceMemory * (isSmallScreen ? 48 : 128))) * MEGABYTE;
}

interface Wanted {
  readonly index: number;
  readonly waiters: { resolve: (picture: Picture) => void; reject: (reason: unknown) => void }[];
  isUrgent: boolean;
}

export interface FrameStore {
  /** The picture if it is here now. */
  peek(index: number): Picture | undefined;
  /** Load before everything else. */
  load(index: number): Promise<Picture>;
  /** Fetch these in this order when nothing urgent waits; replaces the former wish. */
  prefetch(indexes: readonly number[]): void;
  readonly loaded: number;
  dispose(): void;
}

export function createFrameStore(
  client: Client,
  images: readonly ImageView[],
  budget: number,
  onLoaded: (index: number) => void,
): FrameStore {
  const pictures = new Map<number, Picture>();
  const wanted = new Map<number, Wanted>();
  const running = new Map<number, AbortController>();
  let wishes: readonly number[] = [];
  let bytes = 0;
  let isDisposed = false;
  const everLoaded = new Set<number>();

  function keep(index: number, picture: Picture): void {
    bytes += picture.bytes;
    pictures.set(index, picture);
    everLoaded.add(index);
    // A Map keeps the order of use (see `touch`): the first one was needed longest ago.
    for (const [oldest, old] of pictures) {
      if (bytes <= budget || oldest === index) break;
      pictures.delete(oldest);
      bytes -= old.bytes;
    }
  }

  function touch(index: number): Picture | undefined {
    const picture = pictures.get(index);
    if (picture === undefined) return undefined;
    pictures.delete(index);
    pictures.set(index, picture);
    return picture;
  }

  async function fetchOne(index: number): Promise<void> {
    const image = images[index];
    if (image === undefined) return;
    const controller = new AbortController();
    running.set(index, controller);
    const waiters = (): Wanted['waiters'] => {
      const found = wanted.get(index)?.waiters ?? [];
      wanted.delete(index);
      return found;
    };
    try {
      const frame = await client.frame(image, { htj2k: true, signal: controller.signal });
      const decoded = frame.media_type === 'image/jphc' ? await decodeHtj2k(frame) : frame;
      const picture = toPicture(decoded, image);
      keep(index, picture);
      for (const { resolve } of waiters()) resolve(picture);
      onLoaded(index);
    } catch (error) {
      for (const { reject } of waiters()) reject(error);
      // A wish that fails is not asked for again and again; an urgent need asks anew.
      wishes = wishes.filter((wish) => wish !== index);
    } finally {
      running.delete(index);
      pump();
    }
  }

  function next(): number | undefined {
    const urgent = [...wanted.values()].reverse().find((one) => !running.has(one.index));
    if (urgent !== undefined) return urgent.index;
    // Wishes stop short of the budget: a prefetch must not push out what is being looked at.
    if (bytes > budget * 0.9) return undefined;
    return wishes.find((index) => !pictures.has(index) && !running.has(index));
  }

  function pump(): void {
    while (!isDisposed && running.size < PARALLEL_REQUESTS) {
      const index = next();
      if (index === undefined) return;
      void fetchOne(index);
    }
  }

  return {
    peek: touch,
    load(index) {
      const here = touch(index);
      if (here !== undefined) return Promise.resolve(here);
      return new Promise<Picture>((resolve, reject) => {
        const before = wanted.get(index);
        wanted.delete(index);
        wanted.set(index, {
          index,
          waiters: [...(before?.waiters ?? []), { resolve, reject }],
          isUrgent: true,
        });
        pump();
      });
    },
    prefetch(indexes) {
      wishes = indexes;
      pump();
    },
    get loaded() {
      return everLoaded.size;
    },
    dispose() {
      isDisposed = true;
      for (const controller of running.values()) controller.abort();
      pictures.clear();
      bytes = 0;
    },
  };
}

/** Flagged slices first, then outward from where the reader stands. */
export function prefetchOrder(
  count: number,
  at: number,
  flagged: readonly number[],
): number[] {
  const near = Array.from({ length: count }, (_, index) => index).sort(
    (one, other) => Math.abs(one - at) - Math.abs(other - at) || other - one,
  );
  const neighbours = near.slice(0, 3);
  return [...new Set([...neighbours, ...flagged, ...near])];
}
