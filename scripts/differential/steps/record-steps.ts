/** Steps that write, read and delete records: every codec, producers with and without ids, batches that lie. */
import { compress, DeleteRecords, Fetch, InitProducerId, nativeCrc32c, Produce } from '@meridian/protocol';
import { type WriteBatchOptions, writeBatch } from '@meridian/protocol/record-batch';
import type { Side } from '../side.ts';
import { type ScriptContext, type StepMaker, step, versionOf } from '../step.ts';
import { someTopic } from './read-steps.ts';

const CODECS = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const CRC_AT = 17;
const MAGIC_AT = 16;
const BY_ID_SINCE = 13;

export const produce: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, Produce);
  const index = random.oneIn(8) ? random.pick([5, -1]) : random.below(2);
  const options = someBatch(context);
  const spoil = random.oneIn(8) ? random.pick(SPOILS) : undefined;
  return produceStep(context, version, index, () => {
    const batch = Buffer.from(writeBatch(options));
    return spoil === undefined ? [batch] : spoil(batch);
  });
};

/** With an id that InitProducerId gave and sequences that fit, repeat or leap. */
export const produceIdempotent: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, Produce);
  const nth = random.below(2);
  const baseSequence = random.pick([0, 0, 1, 2, 3, 5, -1]);
  const epochBy = random.oneIn(8) ? random.pick([1, -1]) : 0;
  const options = someBatch(context);
  return produceStep(context, version, 0, (side) => {
    const { id, epoch } = side.producers[nth] ?? { id: 4_000_000 + nth, epoch: 0 };
    const producer = { producerId: id, producerEpoch: Math.max(0, epoch + epochBy), baseSequence };
    return [Buffer.from(writeBatch({ ...options, ...producer }))];
  });
};

function produceStep(
  context: ScriptContext,
  version: number,
  index: number,
  batches: (side: Side) => Buffer[],
): ReturnType<StepMaker> {
  const { random } = context;
  const name = someTopic(context);
  const acks = random.oneIn(15) ? random.pick([2, -2]) : random.pick([-1, 1]);
  return step(Produce, version, (side) => {
    const topic = version >= BY_ID_SINCE ? { topicId: side.topicId(name) } : { name };
    return { acks, timeoutMs: 5_000, topicData: [{ ...topic, partitionData: [{ index, records: batches(side) }] }] };
  });
}

function someBatch({ random, now }: ScriptContext): WriteBatchOptions {
  const codec = random.pick(CODECS);
  const from = now + random.pick([0, 0, 0, -5_000, 10_000, -400_000_000, 7_200_000, 86_400_000]);
  const bytes = random.pick([5, 40, 300, 2_000]);
  const records = Array.from({ length: random.pick([1, 1, 2, 5]) }, (_, n) => ({
    timestamp: from + n * random.pick([0, 1, 1_000]),
    key: random.oneIn(4) ? null : Buffer.from(`k${random.below(4)}`),
    value: random.oneIn(8) ? null : Buffer.alloc(bytes, 97 + n),
    headers: random.oneIn(4) ? [{ key: 'h', value: Buffer.from('v') }] : [],
  }));
  return { records, codec, compress: (name, plain) => compress(name, Buffer.from(plain)), crc: nativeCrc32c };
}

type Spoil = (batch: Buffer) => Buffer[];

/** What may be wrong with a batch. No records at all is not among it: Apache Kafka leaves that unanswered. */
const SPOILS: readonly Spoil[] = [
  () => [],
  (batch) => [flipped(batch, CRC_AT)],
  (batch) => [flipped(batch, batch.length - 1)],
  (batch) => [batch, batch],
  (batch) => [batch.subarray(0, batch.length - 3)],
  (batch) => [batch.subarray(0, 30)],
  (batch) => [withByte(batch, MAGIC_AT, 1)],
  (batch) => [withByte(batch, MAGIC_AT, 9)],
  (batch) => [sealed(batch, (view) => view.writeInt32BE(view.readInt32BE(57) + 1, 57))],
  (batch) => [sealed(batch, (view) => view.writeInt32BE(view.readInt32BE(23) + 1, 23))],
  (batch) => [sealed(batch, (view) => view.writeInt16BE(view.readInt16BE(21) | 0x20, 21))],
  (batch) => [sealed(batch, (view) => view.writeInt16BE(view.readInt16BE(21) | 0x10, 21))],
  (batch) => [sealed(batch, (view) => view.writeInt16BE(view.readInt16BE(21) | 0x7, 21))],
];

function flipped(batch: Buffer, at: number): Buffer {
  return withByte(batch, at, (batch[at] as number) ^ 0xff);
}

function withByte(batch: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(batch);
  copy[at] = value;
  return copy;
}

/** Changed, with a CRC that holds again. */
function sealed(batch: Buffer, change: (view: Buffer) => void): Buffer {
  const copy = Buffer.from(batch);
  change(copy);
  copy.writeUInt32BE(nativeCrc32c(copy, CRC_AT + 4, copy.length) >>> 0, CRC_AT);
  return copy;
}

export const initProducerId: StepMaker = ({ random }) =>
  step(
    InitProducerId,
    versionOf(random, InitProducerId),
    () => ({ transactionalId: null, transactionTimeoutMs: 60_000 }),
    {
      keep: (side, answer) => {
        if (answer.errorCode === 0) side.producers.push({ id: answer.producerId, epoch: answer.producerEpoch });
      },
    },
  );

export const fetch: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, Fetch);
  const name = someTopic(context);
  const partition = {
    partition: random.oneIn(8) ? random.pick([7, -1]) : random.below(2),
    fetchOffset: random.pick([0, 0, 0, 1, 2, 3, 5, 10, 1_000, -1]),
    partitionMaxBytes: random.pick([1_048_576, 1_048_576, 1, 200, 0]),
    ...(version >= 9 && random.oneIn(5) ? { currentLeaderEpoch: random.pick([0, 4]) } : {}),
    ...(version >= 12 && random.oneIn(5) ? { lastFetchedEpoch: random.pick([0, 3]) } : {}),
  };
  const request = {
    maxWaitMs: random.pick([0, 0, 20]),
    minBytes: random.pick([0, 1, 1]),
    maxBytes: random.pick([10_000_000, 10_000_000, 1, 300]),
    isolationLevel: random.below(2),
    ...(version >= 7 ? { sessionId: random.oneIn(12) ? 4711 : 0, sessionEpoch: random.pick([-1, -1, -1, 3]) } : {}),
  };
  return step(
    Fetch,
    version,
    (side) => {
      const topic = version >= BY_ID_SINCE ? { topicId: side.topicId(name) } : { topic: name };
      return { ...request, topics: [{ ...topic, partitions: [partition] }] };
    },
    { isRead: true },
  );
};

const SESSIONS_SINCE = 7;
/** Apache Kafka trips over sessions with topics of no id at all. */
const NOBODYS_ID = '00000000-0000-4000-8000-000000000000';

/** Opens a fetch session, or asks in the one that there is for what changed, with more partitions or fewer. */
export const fetchInSession: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, Fetch, SESSIONS_SINCE);
  const names = random.pick([[], [someTopic(context)], [...context.topics.slice(0, 2)]]);
  const forgotten = random.oneIn(5) ? [context.topics[0]!] : [];
  const opens = random.oneIn(4);
  const leap = random.oneIn(10) ? 3 : 0;
  const fetchOffset = random.pick([0, 0, 1, 2]);
  const partitions = [{ partition: random.below(2), fetchOffset, partitionMaxBytes: 1_048_576 }];
  const place = (side: Side, name: string) =>
    version >= BY_ID_SINCE ? { topicId: side.topicIds.get(name) ?? NOBODYS_ID } : { topic: name };
  return step(
    Fetch,
    version,
    (side) => ({
      maxWaitMs: 0,
      minBytes: 0,
      sessionId: opens ? 0 : side.session.id,
      sessionEpoch: opens ? 0 : side.session.epoch + leap,
      topics: names.map((name) => ({ ...place(side, name), partitions })),
      forgottenTopicsData: forgotten.map((name) => ({ ...place(side, name), partitions: [0] })),
    }),
    {
      keep: (side, { errorCode, sessionId }) => {
        if (errorCode !== 0) side.session = { id: 0, epoch: 0 };
        else side.session = { id: sessionId, epoch: opens ? 1 : side.session.epoch + 1 };
      },
    },
  );
};

export const deleteRecords: StepMaker = (context) => {
  const { random } = context;
  const partitions = [{ partitionIndex: random.below(3), offset: random.pick([0, 1, 2, 3, -1, -2, 1_000]) }];
  const topics = [{ name: someTopic(context), partitions }];
  return step(DeleteRecords, versionOf(random, DeleteRecords), () => ({ topics, timeoutMs: 5_000 }));
};
