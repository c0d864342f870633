/** Random batches for a compacted partition, each behind the one before: the input of the comparison of two cleaners. */
import { compress, nativeCrc32c } from '@meridian/protocol';
import { type Codec, writeBatch } from '@meridian/protocol/record-batch';
import type { SeededRandom } from '../../differential/seeded-random.ts';

const CODECS: readonly Codec[] = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];
const KEYS = 60;
const IDEMPOTENT = [11, 12, 13];
const TRANSACTIONAL = [21, 22];
const ABORT = 0;
const COMMIT = 1;

export class CleanerWorkload {
  readonly #random: SeededRandom;
  readonly #sequences = new Map<number, number>();
  /** Producers whose transaction is open. */
  readonly #open = new Set<number>();
  #endOffset = 0;
  #timestamp = Date.now() - 3_600_000;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** At least `count` batches; no transaction is left open. */
  batches(count: number): Buffer[] {
    const batches: Buffer[] = [];
    while (batches.length < count) batches.push(this.#next());
    for (const producerId of [...this.#open]) batches.push(this.#marker(producerId, COMMIT));
    return [...batches, this.#filler(), this.#filler()];
  }

  #next(): Buffer {
    const random = this.#random;
    const kind = random.below(10);
    if (kind < 4) return this.#data({});
    if (kind < 7) return this.#data(this.#producer(random.pick(IDEMPOTENT)));
    const producerId = random.pick(TRANSACTIONAL);
    if (this.#open.has(producerId) && random.oneIn(3)) {
      return this.#marker(producerId, random.oneIn(2) ? ABORT : COMMIT);
    }
    this.#open.add(producerId);
    return this.#data({ ...this.#producer(producerId), transactional: true });
  }

  #producer(producerId: number): { producerId: number; producerEpoch: number; baseSequence: number } {
    return { producerId, producerEpoch: 0, baseSequence: this.#sequences.get(producerId) ?? 0 };
  }

  #data(extras: {
    producerId?: number;
    producerEpoch?: number;
    baseSequence?: number;
    transactional?: boolean;
  }): Buffer {
    const random = this.#random;
    const records = Array.from({ length: random.between(1, 6) }, () => ({
      timestamp: this.#timestamp + random.below(1_000),
      key: Buffer.from(`k${random.below(KEYS)}`),
      value: random.oneIn(6) ? null : Buffer.alloc(random.below(120), random.below(256)),
      headers: random.oneIn(4) ? [{ key: 'trace', value: Buffer.from('1') }] : [],
    }));
    if (extras.producerId !== undefined) {
      this.#sequences.set(extras.producerId, extras.baseSequence! + records.length);
    }
    return this.#write(records, { codec: random.pick(CODECS), ...extras });
  }

  /** Kafka's end marker: version 0 and type in the key, version 0 and the coordinator's epoch in the value. */
  #marker(producerId: number, type: number): Buffer {
    this.#open.delete(producerId);
    const record = { timestamp: this.#timestamp, key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6) };
    return this.#write([record], { producerId, producerEpoch: 0, transactional: true, control: true });
  }

  /** Closes a segment, so that everything before it may be compacted. */
  #filler(): Buffer {
    return this.#write([{ timestamp: this.#timestamp, key: Buffer.from('filler'), value: Buffer.alloc(7_500) }], {});
  }

  #write(records: Parameters<typeof writeBatch>[0]['records'], extras: object): Buffer {
    const options = { baseOffset: this.#endOffset, records, compress, crc: nativeCrc32c, ...extras };
    this.#endOffset += records.length;
    this.#timestamp += 10;
    return Buffer.from(writeBatch(options));
  }
}
