/** Questions about logs: what is refused, what producers may do, what offsets and epochs are told. */
import type { Client } from '@meridian/client';
import { DescribeProducers, ListOffsets, OffsetForLeaderEpoch } from '@meridian/protocol';
import { batchOf, createDraw, fetch, type Note, newTopic, produce, type Subject } from './subject.ts';

const RANDOM_BATCHES = 400;

export async function refusalsScript(subject: Subject): Promise<Note[]> {
  const notes: Note[] = [];
  await newTopic(subject, 'refusals', { 'max.message.bytes': '1000' });
  await newTopic(subject, 'keyed', { 'cleanup.policy': 'compact' });
  const note = async (question: string, bytes: Buffer, topic = 'refusals') => {
    notes.push([question, await produce(subject, topic, bytes)]);
  };
  const spoiled = batchOf(['a']);
  spoiled[spoiled.length - 1]! ^= 1;
  await note('a sound batch', batchOf(['a', 'b']));
  await note('two batches', Buffer.concat([batchOf(['a']), batchOf(['b'])]));
  await note('a control batch', batchOf(['a'], { control: true }));
  await note('another checksum', spoiled);
  await note('a hole between records', batchOf(['a'], { lastOffsetDelta: 4 }));
  await note('too large', batchOf(Array.from({ length: 200 }, (_, n) => `value ${n}`)));
  await note(
    'no key, where keys are kept',
    batchOf([], { records: [{ timestamp: 1, value: Buffer.alloc(1) }] }),
    'keyed',
  );
  await note('an offset of its own', batchOf(['c'], { baseOffset: 77 }));
  notes.push(['what lies there', await fetch(subject, 'refusals', 0, false)]);
  const { client } = subject;
  const made = async (name: string, configs: Record<string, string>) =>
    (await client.createTopics([{ name, numPartitions: 1, replicationFactor: 1, configs }]))[0]?.errorCode;
  notes.push(['a config of ours', await made('ours', { 'meridian.origin.region': 'west' })]);
  notes.push(['a topic twice', await made('keyed', {})]);
  notes.push(['fewer partitions', (await client.createPartitions([{ name: 'keyed', count: 1 }]))[0]?.errorCode]);
  return notes;
}

/** Two producers, near the sequences and epochs that they should have. */
export async function producersScript(subject: Subject): Promise<Note[]> {
  const notes: Note[] = [];
  await newTopic(subject, 'producers');
  const draw = createDraw(7);
  const places = new Map<number, { epoch: number; next: number }>();
  for (let n = 0; n < RANDOM_BATCHES; n++) {
    const producerId = 9_000 + draw(2);
    const place = places.get(producerId) ?? { epoch: 0, next: draw(3) };
    places.set(producerId, place);
    const producerEpoch = Math.max(0, place.epoch + (draw(12) === 0 ? 1 - draw(3) : 0));
    const isNew = producerEpoch > place.epoch && draw(3) > 0;
    const baseSequence = isNew ? 0 : Math.max(0, place.next + (draw(3) === 0 ? draw(9) - 6 : 0));
    const count = 1 + draw(3);
    const values = Array.from({ length: count }, (_, at) => `${n}.${at}`);
    const answer = await produce(subject, 'producers', batchOf(values, { producerId, producerEpoch, baseSequence }));
    notes.push([`${n}: producer ${producerId} epoch ${producerEpoch} sequence ${baseSequence} × ${count}`, answer]);
    if (answer.errorCode !== 0 || baseSequence < place.next) continue;
    Object.assign(place, { epoch: producerEpoch, next: baseSequence + count });
  }
  notes.push(['who has written', await producersOf(subject, 'producers')]);
  return notes;
}

export async function producersOf({ client }: Subject, name: string) {
  const body = { topics: [{ name, partitionIndexes: [0] }] };
  const answer = await client.send(DescribeProducers, body, await client.leaderOf(name, 0));
  const { errorCode, activeProducers } = answer.topics[0]!.partitions[0]!;
  const told = activeProducers.map(({ producerEpoch, lastSequence, currentTxnStartOffset }) => {
    return `epoch ${producerEpoch} sequence ${lastSequence} open ${currentTxnStartOffset}`;
  });
  return { errorCode, producers: told.sort() };
}

async function listTwice(client: Client, leader: number): Promise<unknown> {
  const partitions = [-2, -1].map((timestamp) => ({ partitionIndex: 0, timestamp }));
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'logs', partitions }] };
  const answer = await client.send(ListOffsets, body, leader, { version: 7 });
  return answer.topics.flatMap((topic) => topic.partitions.map(({ errorCode, offset }) => [errorCode, offset]));
}

export async function logsScript(subject: Subject): Promise<Note[]> {
  const { client } = subject;
  const notes: Note[] = [];
  await newTopic(subject, 'logs');
  for (let n = 0; n < 5; n++) {
    const timestamp = 1_700_000_000_000 + n * 1_000;
    const records = [0, 500].map((ms) => ({
      timestamp: timestamp + ms,
      key: Buffer.from('k'),
      value: Buffer.from('v'),
    }));
    await produce(subject, 'logs', batchOf([], { records }));
  }
  const leader = await client.leaderOf('logs', 0);
  const list = async (timestamp: number, currentLeaderEpoch = -1) => {
    const topics = [{ name: 'logs', partitions: [{ partitionIndex: 0, timestamp, currentLeaderEpoch }] }];
    const answer = await client.send(ListOffsets, { replicaId: -1, isolationLevel: 0, topics }, leader, { version: 7 });
    const { errorCode, offset, timestamp: found, leaderEpoch } = answer.topics[0]!.partitions[0]!;
    return { errorCode, offset, timestamp: found, leaderEpoch };
  };
  const epochEnd = async (leaderEpoch: number) => {
    const topics = [{ topic: 'logs', partitions: [{ partition: 0, leaderEpoch }] }];
    const answer = await client.send(OffsetForLeaderEpoch, { topics }, leader);
    const { errorCode, leaderEpoch: epoch, endOffset } = answer.topics[0]!.partitions[0]!;
    return { errorCode, epoch, endOffset };
  };
  for (const timestamp of [-2, -1, -3, 0, 1_700_000_001_500, 1_700_000_002_501, 1_800_000_000_000])
    notes.push([`offset at ${timestamp}`, await list(timestamp)]);
  notes.push(['offset of a leader to come', await list(-1, 5)]);
  notes.push(['offsets of one partition twice', await listTwice(client, leader)]);
  for (const epoch of [-1, 0, 1, 9]) notes.push([`end of epoch ${epoch}`, await epochEnd(epoch)]);
  for (const offset of [0, 3, 9, 10, 11, -1])
    notes.push([`fetch at ${offset}`, await fetch(subject, 'logs', offset, false)]);
  for (const offset of [3, 2, 11, 10]) {
    const [deleted] = await client.deleteRecords([{ topic: 'logs', partition: 0, offset }]);
    notes.push([`delete below ${offset}`, [deleted?.errorCode, await list(-2)]]);
  }
  notes.push(['fetch below the start', await fetch(subject, 'logs', 3, false)]);
  notes.push(['after all was deleted', await produce(subject, 'logs', batchOf(['z']))]);
  notes.push(['end of epoch 0', await epochEnd(0)]);
  return notes;
}
