/**
 * Compresses the records of answers to Fetch for the mirrors of far regions that ask for it (`private-tags.ts`). Called by
 * the Fetch handler when all is read; whoever asks for nothing never comes here.
 * Invariant: what pays nothing goes as it lies (compressed already, small, or not getting smaller), what was read is held
 * until the answer has been given, and no more than `maxPackedBytes` (or one answer) wait.
 */
import type { Memory, Timers, Zstd } from '@meridian/io';
import { compress } from '@meridian/protocol';
import { batchAttributes, CODECS } from '@meridian/protocol/record-batch';
import type { BrokerLimits } from '../limits.ts';
import type { FetchedPartition } from '../partition/read.ts';

export interface WirePackerOptions {
  readonly zstd: Zstd;
  readonly memory: Memory;
  readonly timers: Pick<Timers, 'defer'>;
  readonly limits: Pick<BrokerLimits, 'maxPackedBytes' | 'packedLeastBytes' | 'lz4PieceBytes'>;
}

/** As a Fetch answer has it. */
export interface PackedPartition extends FetchedPartition {
  readonly packed?: { readonly codec: number; readonly sizeInBytes: number };
}

type Shrink = (plain: Buffer) => Promise<readonly Buffer[] | undefined>;

/** Higher levels take more time and make what is usual in topics hardly smaller. */
const ZSTD_LEVEL = 1;
/** A block that is larger than this share of its records is not worth the reading. */
const WORTHWHILE_SHARE = 0.9;
const CODEC_BITS = 7;

export class WirePacker {
  readonly #options: WirePackerOptions;
  readonly #shrinkBy: Readonly<Record<string, Shrink>>;
  #waitingBytes = 0;

  constructor(options: WirePackerOptions) {
    this.#options = options;
    this.#shrinkBy = {
      zstd: async (plain) => [await options.zstd.compress(plain, ZSTD_LEVEL)],
      lz4: (plain) => this.#lz4(plain),
    };
  }

  /** Gives the answer in this turn if nothing of it is to be compressed, else later. `codec`: as the request names it. */
  pack(
    codec: number,
    fetched: readonly FetchedPartition[],
    answer: (packed: readonly PackedPartition[]) => void,
  ): void {
    const shrink = this.#shrinkBy[CODECS[codec] ?? 'none'];
    const bytes = fetched.reduce((sum, each) => sum + each.bytes, 0);
    const hasRoom = this.#waitingBytes === 0 || this.#waitingBytes + bytes <= this.#options.limits.maxPackedBytes;
    if (shrink === undefined || !hasRoom || !fetched.some((each) => this.#isPackable(each))) return answer(fetched);
    const { memory } = this.#options;
    const held = fetched.flatMap(({ records }) => records);
    for (const buffer of held) memory.hold(buffer);
    this.#waitingBytes += bytes;
    void Promise.all(fetched.map((each) => this.#packed(each, codec, shrink))).then((packed) => {
      this.#waitingBytes -= bytes;
      answer(packed);
      for (const buffer of held) memory.release(buffer);
    });
  }

  async #packed(each: FetchedPartition, codec: number, shrink: Shrink): Promise<PackedPartition> {
    if (!this.#isPackable(each)) return each;
    const { records, bytes } = each;
    const block = await shrink(records.length === 1 ? records[0]! : Buffer.concat(records, bytes)).catch(
      () => undefined,
    );
    const size = block?.reduce((sum, { length }) => sum + length, 0) ?? bytes;
    if (block === undefined || size > WORTHWHILE_SHARE * bytes) return each;
    return { ...each, records: block, packed: { codec, sizeInBytes: bytes } };
  }

  /** Producers that compress usually do so always: the first batch tells. */
  #isPackable({ bytes, records }: FetchedPartition): boolean {
    return bytes >= this.#options.limits.packedLeastBytes && (batchAttributes(records[0]!) & CODEC_BITS) === 0;
  }

  /** Our lz4 has no threads: a frame for each piece, and between them others have their turn. */
  async #lz4(plain: Buffer): Promise<readonly Buffer[] | undefined> {
    const { timers, limits } = this.#options;
    const frames: Buffer[] = [];
    for (let at = 0; at < plain.length; at += limits.lz4PieceBytes) {
      if (at > 0) await new Promise<void>((resolve) => timers.defer(resolve));
      const piece = plain.subarray(at, at + limits.lz4PieceBytes);
      const frame = compress('lz4', piece) as Buffer;
      if (frames.length === 0 && frame.length > WORTHWHILE_SHARE * piece.length) return undefined;
      frames.push(frame);
    }
    return frames;
  }
}
