/**
 * Fuzzing of what lies in the topics of bookkeeping: `npm run fuzz -- run-record` and `-- copy-facts`. Only a
 * CoordinateError may come out; what is read is the same when it is written and read anew.
 */
import { CoordinateError } from './errors.ts';
import { decodeRunChange, encodeRunChange } from './run-records.ts';
import { decodeFacts, decodeFactsKey, encodeFacts } from './topic-facts.ts';

const ID = '00000000-0000-4000-8000-00000000000a';
const place = { copyId: ID, partition: 3 };
const tenure = { producerId: 7, producerEpoch: 2, localStart: 0 };
const run = { originEpoch: 1, originStart: 100, localStart: 5, count: 0, tenure };

/** A key's length, the key, and a value unless that byte is odd. */
function joined({ key, value }: { key: Buffer; value: Buffer | null }): Buffer {
  return Buffer.concat([Buffer.from([key.length * 2 + (value === null ? 1 : 0)]), key, value ?? Buffer.alloc(0)]);
}

const runRecord = {
  corpus: (): Buffer[] => [
    joined(encodeRunChange(place, { type: 'put', run })),
    joined(encodeRunChange(place, { type: 'drop', localStart: 5 })),
    joined(encodeRunChange(place, { type: 'lost', range: { from: 7, to: 9 } })),
    joined(encodeRunChange(place, { type: 'skipped', originEnd: 2 ** 53 - 1, localEnd: 0 })),
  ],
  fuzz: (input: Buffer): void => {
    const head = input[0] ?? 0;
    const key = input.subarray(1, 1 + (head >> 1));
    const value = head % 2 === 1 ? null : input.subarray(1 + (head >> 1));
    quietly(() => {
      const read = decodeRunChange(key, value);
      const again = encodeRunChange(read.place, read.change);
      if (!again.key.equals(key) || (value !== null && !again.value?.equals(value)))
        throw new Error('a record of runs is another when it is written anew');
    });
  },
};

const copyFacts = {
  /** JSON and what says why it is none. */
  baseBytes: 262_144,
  corpus: (): Buffer[] => {
    const names = { copy: 'us.orders', copyId: ID, originRegion: 'us', originTopic: 'orders', originTopicId: ID };
    const facts = { ...names, incarnation: 1, policy: 'prefix', link: 'us-eu' } as const;
    return [encodeFacts(facts), encodeFacts({ ...facts, promotedAt: [1, 2], start: 'earliest' })];
  },
  fuzz: (input: Buffer): void => {
    decodeFactsKey(input);
    quietly(() => {
      const read = decodeFacts(ID, input);
      const again = decodeFacts(ID, encodeFacts(read));
      if (JSON.stringify(again) !== JSON.stringify(read)) throw new Error('facts are others when written anew');
    });
  },
};

function quietly(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof CoordinateError)) throw error;
  }
}

export const units = { 'run-record': runRecord, 'copy-facts': copyFacts };
