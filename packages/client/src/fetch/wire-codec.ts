/**
 * Records that came compressed over the line: asked for by `NodePoll` of leaders that understand it, and made what they
 * were before anybody looks at them. One per fetcher that has a `compression`.
 * Invariant: an answer becomes no larger than it might have been uncompressed, whatever it announces, and a block that
 * cannot be read is told as its partition's problem.
 */
import type { Timers } from '@meridian/io';
import { type Fetch, type FrameMemory, lz4Frames, type ResponseOf } from '@meridian/protocol';
import { CODECS } from '@meridian/protocol/record-batch';
import type { PartitionAnswer } from './fetch-partition.ts';
import type { WireCompression } from './fetch-types.ts';

type Answer = ResponseOf<typeof Fetch>;

export interface WireCodecOptions extends WireCompression {
  readonly timers: Pick<Timers, 'defer'>;
  readonly memory: FrameMemory | undefined;
  /** Most that one answer may have in it. */
  readonly maxBytes: number;
}

export class WireCodec {
  /** As a request names it. */
  readonly id: number;
  private readonly options: WireCodecOptions;

  constructor(options: WireCodecOptions) {
    this.options = options;
    this.id = CODECS.indexOf(options.codec);
  }

  /** The answer with its records as they were; what could not be read is still `packed`, with its `problem`. */
  async unpack(answer: Answer): Promise<Answer> {
    const parts = answer.responses.flatMap(({ partitions }) => partitions);
    if (parts.every(({ packed }) => packed === null)) return answer;
    const { memory } = this.options;
    // Others of the frame are looked at only when all are there.
    const held = parts.flatMap(({ records }) => records ?? []);
    for (const bytes of held) memory?.hold(bytes);
    let leftBytes = this.options.maxBytes;
    const opened = parts.map(async (part): Promise<PartitionAnswer> => {
      if (part.packed === null) return part;
      leftBytes -= part.packed.sizeInBytes;
      const problem = leftBytes < 0 || part.packed.sizeInBytes < 0 ? 'more than an answer may hold' : undefined;
      return problem === undefined ? this.open(part) : { ...part, problem };
    });
    const found = await Promise.all(opened);
    for (const bytes of held) memory?.release(bytes);
    let at = 0;
    const topics = answer.responses.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map(() => found[at++]!),
    }));
    return { ...answer, responses: topics };
  }

  private async open(part: PartitionAnswer): Promise<PartitionAnswer> {
    const { codec, sizeInBytes } = part.packed!;
    const block = part.records?.[0] ?? Buffer.alloc(0);
    try {
      const plain = await this.read(codec, block, sizeInBytes);
      if (plain.length !== sizeInBytes) throw new Error(`${plain.length} bytes where ${sizeInBytes} were announced`);
      return { ...part, packed: null, records: [plain], wireBytes: block.length };
    } catch (error) {
      return { ...part, problem: (error as Error).message };
    }
  }

  private read(codec: number, block: Buffer, sizeInBytes: number): Promise<Buffer> {
    if (CODECS[codec] === 'zstd') return this.options.zstd.decompress(block, sizeInBytes);
    if (CODECS[codec] === 'lz4') return this.readLz4(block, sizeInBytes);
    throw new Error(`codec ${codec} is not known`);
  }

  /** A frame at a time: our lz4 is not in a thread, and others want to be heard between. */
  private async readLz4(block: Buffer, sizeInBytes: number): Promise<Buffer> {
    const frames = lz4Frames(block, sizeInBytes);
    for (;;) {
      const { done, value } = frames.next();
      if (done) return Buffer.from(value.buffer, value.byteOffset, value.length);
      await new Promise<void>((resolve) => this.options.timers.defer(resolve));
    }
  }
}
