/**
 * Random batches of every sort that a log meets: plain, compressed, idempotent, transactional with their markers, keyed
 * with tombstones, with gaps before them, from one sector's part to many sectors. Used by `log-scene.ts`.
 * Sizes come from a short list, so that batches of one size meet at one place after a cut.
 */
import type { Random } from '@meridian/io';
import { below, chance } from '@meridian/io/sim';
import { compress, nativeCrc32c } from '@meridian/protocol';
import {
  type BatchOptions,
  type Codec,
  emptyBatch,
  readBatchHeader,
  writeBatch,
} from '@meridian/protocol/record-batch';
import type { PartitionModel } from './partition-model.ts';

const CODECS: readonly Codec[] = ['none', 'none', 'none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];
const SIZES = [8, 8, 40, 40, 130, 130, 700, 1_900];
const KEYS = 5;
const IDEMPOTENT_IDS = [1, 2, 3];
const TRANSACTIONAL_IDS = [11, 12];

/** A batch at the model's end, and in the model. */
export function randomBatch(random: Random, model: PartitionModel): Buffer {
  const gap = !model.kind.isCompacted && chance(random, 0.05) ? 1 + below(random, 4) : 0;
  const baseOffset = model.end + gap;
  const leaderEpoch = model.kind.isMirrored ? model.originEpoch : 0;
  const bytes = Buffer.from(chooseBatch(random, model, { baseOffset, leaderEpoch, crc: nativeCrc32c }));
  const { nextOffset } = readBatchHeader(bytes);
  model.add(baseOffset, nextOffset, bytes);
  return bytes;
}

type Placed = BatchOptions & { readonly baseOffset: number };

function chooseBatch(random: Random, model: PartitionModel, placed: Placed): Uint8Array {
  const dice = random.next();
  const [open] = model.openTransactions;
  if (open !== undefined && dice < 0.15) return marker(random, model, open, placed);
  if (model.kind.isMirrored && dice > 0.95) return emptyBatch({ ...placed, lastOffset: placed.baseOffset + 2 });
  if (dice < 0.35) return records(random, model, placed, pick(random, TRANSACTIONAL_IDS));
  if (dice < 0.6) return records(random, model, placed, pick(random, IDEMPOTENT_IDS));
  return records(random, model, placed, -1);
}

function records(random: Random, model: PartitionModel, placed: Placed, producerId: number): Uint8Array {
  const count = 1 + below(random, 3);
  const timestamp = 1_000 + placed.baseOffset * 10 + below(random, 30);
  const list = Array.from({ length: count }, (_, index) => ({
    timestamp: timestamp + index,
    key: model.kind.isCompacted ? Buffer.from(`k${below(random, KEYS)}`) : null,
    value: model.kind.isCompacted && chance(random, 0.15) ? null : randomValue(random),
  }));
  const codec = pick(random, CODECS);
  if (producerId < 0) return writeBatch({ ...placed, records: list, codec, compress });
  const baseSequence = model.sequences.get(producerId) ?? 0;
  model.sequences.set(producerId, baseSequence + count);
  const transactional = TRANSACTIONAL_IDS.includes(producerId);
  if (transactional) model.openTransactions.add(producerId);
  const producer = { producerId, producerEpoch: 0, baseSequence, transactional };
  return writeBatch({ ...placed, ...producer, records: list, codec, compress });
}

function randomValue(random: Random): Buffer {
  return random.bytes(pick(random, SIZES));
}

/** Kafka's end marker: version 0 and type in the key, coordinator epoch in the value. */
function marker(random: Random, model: PartitionModel, producerId: number, placed: Placed): Uint8Array {
  model.openTransactions.delete(producerId);
  const key = Buffer.from([0, 0, 0, chance(random, 0.5) ? 1 : 0]);
  const list = [{ timestamp: 1_000 + placed.baseOffset * 10, key, value: Buffer.alloc(6) }];
  return writeBatch({ ...placed, producerId, producerEpoch: 0, transactional: true, control: true, records: list });
}

const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;
