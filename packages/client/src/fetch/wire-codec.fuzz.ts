/**
 * Fuzzing of answers with compressed records: `npm run fuzz -- wire-codec`. Whatever a broker announces and sends, each
 * partition comes back with as many bytes as were announced, or with its problem; and nothing stays held.
 */
import { createRealIo } from '@meridian/io/real';
import { compress, type Fetch, type ResponseOf } from '@meridian/protocol';
import { CODECS } from '@meridian/protocol/record-batch';
import { WireCodec } from './wire-codec.ts';

type Answer = ResponseOf<typeof Fetch>;

const MAX_BYTES = 262_144;
const HEAD_BYTES = 5;
const { zstd, timers } = createRealIo();

/** Codec, announced size, block. */
export function corpus(): Buffer[] {
  const plain = [Buffer.from('meridian '.repeat(60)), Buffer.alloc(70_000, 7), Buffer.alloc(MAX_BYTES + 1)];
  return plain.flatMap((bytes) =>
    (['zstd', 'lz4', 'gzip'] as const).map((codec) => {
      const head = Buffer.alloc(HEAD_BYTES, CODECS.indexOf(codec));
      head.writeInt32BE(bytes.length, 1);
      return Buffer.concat([head, compress(codec, bytes)]);
    }),
  );
}

export async function fuzz(bytes: Buffer): Promise<void> {
  if (bytes.length < HEAD_BYTES) return;
  let held = 0;
  const memory = {
    leastBytes: 0,
    take: (size: number) => Buffer.allocUnsafe(size),
    hold: () => void held++,
    release: () => void held--,
  };
  const [codec, sizeInBytes] = [bytes.readInt8(0), bytes.readInt32BE(1)];
  const part = { packed: { codec, sizeInBytes }, records: [bytes.subarray(HEAD_BYTES)] };
  const asItLies = { packed: null, records: [bytes] };
  const answer = { responses: [{ partitions: [part, asItLies] }, { partitions: [part] }] } as unknown as Answer;
  const { responses } = await new WireCodec({ codec: 'zstd', zstd, timers, memory, maxBytes: MAX_BYTES }).unpack(
    answer,
  );
  const found = responses.flatMap(({ partitions }) => partitions) as unknown as {
    packed: object | null;
    problem?: string;
    records: Buffer[];
  }[];
  for (const { packed, problem, records } of [found[0]!, found[2]!]) {
    if ((packed === null) === (problem !== undefined)) throw new Error(`neither read nor refused: ${problem}`);
    if (packed === null && records[0]!.length !== sizeInBytes)
      throw new Error(`${records[0]!.length} of ${sizeInBytes} bytes`);
  }
  const read = found.filter((each, at) => at !== 1 && each.packed === null).length;
  if (read * sizeInBytes > MAX_BYTES)
    throw new Error(`${read} times ${sizeInBytes} bytes are more than an answer may hold`);
  if (found[1]!.records[0] !== bytes || held !== 0) throw new Error(`${held} are still held`);
}
