/** Questions about transactions: each call in each state, and what readers are told of what was committed and aborted. */
import type { Client } from '@meridian/client';
import { AddPartitionsToTxn, DescribeTransactions, EndTxn, InitProducerId, ListOffsets } from '@meridian/protocol';
import { producersOf } from './logs-script.ts';
import { batchOf, createDraw, fetch, type Note, newTopic, produce, type Subject } from './subject.ts';

const TOPIC = 'transactions';
const RANDOM_CALLS = 80;
const NOT_COORDINATOR = new Set([14, 15, 16]);
const CONCURRENT_TRANSACTIONS = 51;

interface Producer {
  producerId: number;
  producerEpoch: number;
}

/** One transactional id, asked directly. */
class Transactional {
  private readonly client: Client;
  private readonly id: string;
  readonly producer: Producer = { producerId: -1, producerEpoch: -1 };
  sequence = 0;

  constructor(client: Client, id: string) {
    this.client = client;
    this.id = id;
  }

  async init(): Promise<number> {
    const body = { transactionalId: this.id, transactionTimeoutMs: 60_000 };
    const { errorCode, ...producer } = await this.patiently(
      () => this.client.send(InitProducerId, body, 'any', { version: 4 }),
      ({ errorCode: code }) => code,
    );
    if (errorCode === 0) {
      Object.assign(this.producer, { producerId: producer.producerId, producerEpoch: producer.producerEpoch });
      this.sequence = 0;
    }
    return errorCode;
  }

  async add(producer = this.producer, topic = TOPIC): Promise<number> {
    const body = {
      v3AndBelowTransactionalId: this.id,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    };
    const codeOf = (answer: { resultsByTopicV3AndBelow: { resultsByPartition: { partitionErrorCode: number }[] }[] }) =>
      answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
    const ask = () => this.client.send(AddPartitionsToTxn, body, 'any', { version: 3 });
    return codeOf((await this.patiently(ask as never, codeOf as never)) as never);
  }

  async end(committed: boolean, producer = this.producer): Promise<number> {
    const body = { transactionalId: this.id, ...producer, committed };
    const ask = () => this.client.send(EndTxn, body, 'any', { version: 4 });
    return (await this.patiently(ask, ({ errorCode }) => errorCode)).errorCode;
  }

  /** Once nothing of it is under way. */
  async state(): Promise<string> {
    for (;;) {
      const answer = await this.client.send(DescribeTransactions, { transactionalIds: [this.id] }, 'any');
      const { transactionState, errorCode, producerEpoch } = answer.transactionStates[0]!;
      if (NOT_COORDINATOR.has(errorCode) || transactionState.startsWith('Prepare')) await pause();
      else return `${errorCode} ${transactionState} epoch ${producerEpoch}`;
    }
  }

  /** A coordinator that has just come up asks to wait. */
  private async patiently<T>(ask: () => Promise<T>, codeOf: (answer: T) => number): Promise<T> {
    for (;;) {
      const answer = await ask();
      if (!NOT_COORDINATOR.has(codeOf(answer))) return answer;
      await pause();
    }
  }
}

const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 20));

export async function transactionsScript(subject: Subject): Promise<Note[]> {
  const notes: Note[] = [];
  await newTopic(subject, TOPIC);
  // The coordinator's topic is made by the first who asks for it.
  for (const id of ['one', 'two'])
    await subject.client.fence(id, [{ topic: TOPIC, partition: 0 }], { timeoutMs: 60_000 });
  const [one, two] = [new Transactional(subject.client, 'one'), new Transactional(subject.client, 'two')];
  const note = (question: string, answer: unknown): void => void notes.push([question, answer]);
  note('data before the partition is named', await writeFirst(subject, one));
  note('add of an unknown topic', await one.add(one.producer, 'nowhere'));
  note('end of nothing', await one.end(true));
  note('state', await one.state());
  const old = { ...one.producer };
  note('init again', await one.init());
  note('add with an old epoch', await one.add(old));
  note('end with an old epoch', await one.end(true, old));
  note('two begins', await two.init());
  note('add by another producer', await one.add({ producerId: 123_456, producerEpoch: 0 }));
  await atRandom(subject, [one, two], note);
  for (const transactional of [one, two]) note('ends', [await transactional.end(true), await transactional.state()]);
  note('who has written', await producersOf(subject, TOPIC));
  for (const isCommitted of [true, false]) note(`all, ${isCommitted}`, await fetch(subject, TOPIC, 0, isCommitted));
  return notes;
}

async function writeFirst(subject: Subject, one: Transactional): Promise<unknown> {
  const before = await one.init();
  return [before, await write(subject, one, 'one'), await one.state()];
}

async function write(subject: Subject, by: Transactional, id: string, transactional = true) {
  const options = { ...by.producer, baseSequence: by.sequence, transactional };
  const answer = await produce(subject, TOPIC, batchOf(['a', 'b'], options), transactional ? id : null);
  if (answer.errorCode === 0) by.sequence += 2;
  return answer;
}

async function atRandom(
  subject: Subject,
  pair: readonly [Transactional, Transactional],
  note: (question: string, answer: unknown) => void,
): Promise<void> {
  const draw = createDraw(11);
  for (let n = 0; n < RANDOM_CALLS; n++) {
    const which = draw(2) as 0 | 1;
    const by = pair[which];
    const id = which === 0 ? 'one' : 'two';
    const call = draw(10);
    if (call < 3) note(`${n}: ${id} adds`, await by.add());
    else if (call < 6) note(`${n}: ${id} writes`, await write(subject, by, id));
    else if (call === 6) note(`${n}: ${id} commits`, [await by.end(true), await by.state()]);
    else if (call === 7) note(`${n}: ${id} aborts`, [await by.end(false), await by.state()]);
    else if (call === 8) note(`${n}: stable end`, await stableEnd(subject));
    else note(`${n}: ${id} begins anew`, await anew(by));
  }
}

/** Amid a transaction that is an abort, which has to end first. */
async function anew(by: Transactional): Promise<unknown> {
  const first = await by.init();
  const state = await by.state();
  return [first, state, first === CONCURRENT_TRANSACTIONS ? await by.init() : 'done'];
}

async function stableEnd({ client }: Subject): Promise<unknown> {
  const leader = await client.leaderOf(TOPIC, 0);
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
  const ask = async (isolationLevel: number) =>
    (await client.send(ListOffsets, { replicaId: -1, isolationLevel, topics }, leader, { version: 7 })).topics[0]
      ?.partitions[0]?.offset;
  return [await ask(0), await ask(1)];
}
