/** The walk over records beside the reader, which shares none of its fast path, on sound and damaged batches. */
import { expect, test } from 'vitest';
import { RecordBatchError } from './errors.ts';
import { BATCH_HEADER_BYTES } from './header.ts';
import { readRecords } from './records.ts';
import { validateRecords } from './validate.ts';
import { writeBatch } from './write.ts';

const BASE_MS = 1_700_000_000_000;

/** The same numbers every time. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SIZES = [0, 1, 60, 63, 64, 8_191, 8_192, 70_000];
const DELTAS_MS = [0, 1, -1, 63, 64, 8_192, 1_048_575, 1_048_576, -1_048_577, 2 ** 33];

/** Keys and values of the first `sizes` of the sizes above. */
function batchOf(random: (below: number) => number, sizes: number): Uint8Array {
  const bytes = () => (random(4) === 0 ? null : new Uint8Array(SIZES[random(sizes)]!));
  const records = Array.from({ length: 1 + random(random(8) === 0 ? 300 : 20) }, () => ({
    timestamp: BASE_MS + DELTAS_MS[random(DELTAS_MS.length)]!,
    key: bytes(),
    value: bytes(),
    headers: Array.from({ length: random(6) === 0 ? 2 : 0 }, () => ({ key: 'k', value: bytes() })),
  }));
  return writeBatch({ records });
}

/** What a walk has to say, told from the records themselves; undefined where they contradict themselves. */
function expected(batch: Uint8Array) {
  try {
    const records = [...readRecords(batch)];
    if (records.some(({ offset }, index) => offset !== index)) return undefined;
    const timestamps = records.map(({ timestamp }) => timestamp);
    const maxTimestamp = Math.max(...timestamps);
    return {
      minTimestamp: Math.min(...timestamps),
      maxTimestamp,
      maxTimestampDelta: timestamps.indexOf(maxTimestamp),
      keylessRecords: records.filter(({ key }) => key === null).length,
    };
  } catch (error) {
    if (error instanceof RecordBatchError) return undefined;
    throw error;
  }
}

function walked(batch: Uint8Array) {
  try {
    const { minTimestamp, maxTimestamp, maxTimestampDelta, keylessRecords } = validateRecords(batch, {
      offsets: 'dense',
    });
    return { minTimestamp, maxTimestamp, maxTimestampDelta, keylessRecords };
  } catch (error) {
    if (error instanceof RecordBatchError) return undefined;
    throw error;
  }
}

test('the walk says of sound batches what their records say', () => {
  const random = createRandom(1);
  for (let round = 0; round < 100; round++) {
    const batch = batchOf(random, round % 2 === 0 ? 5 : SIZES.length);
    expect(walked(batch)).toEqual(expected(batch));
    expect(walked(batch)).toBeDefined();
  }
});

test('the walk takes of damaged batches exactly those that can be read', () => {
  const random = createRandom(2);
  let refused = 0;
  for (let round = 0; round < 3_000; round++) {
    const batch = batchOf(random, 3);
    // Near the beginning lie heads of records; elsewhere mostly their values.
    const area = Math.min(batch.length - BATCH_HEADER_BYTES, random(2) === 0 ? 40 : batch.length);
    for (let flips = 1 + random(2); flips > 0; flips--) {
      batch[BATCH_HEADER_BYTES + random(area)] =
        random(2) === 0 ? random(256) : [0, 1, 2, 0x7f, 0x80, 0xff][random(6)]!;
    }
    expect(walked(batch)).toEqual(expected(batch));
    if (walked(batch) === undefined) refused++;
  }
  expect(refused).toBeGreaterThan(500);
});
