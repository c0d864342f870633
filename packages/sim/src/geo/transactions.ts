/**
 * A transactional producer of a geo run, in regions on Apache Kafka: a batch a transaction, some of which are aborted.
 * Values of aborted ones say so, and must never be read. Whatever fails, it begins anew with a higher epoch.
 * Invariant: a value enters the history when, and only when, its transaction was told to be committed.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { below, between, chance } from '@meridian/io/sim';
import {
  AddPartitionsToTxn,
  type Api,
  EndTxn,
  ERROR,
  errorName,
  InitProducerId,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { GEO } from './limits.ts';
import type { WriterOptions } from './writer.ts';

export const ABORTED = 'aborted:';
const TOPIC = 'orders';
/** Older than those that only brokers send, or that raise epochs by themselves. */
const ADD_PARTITIONS_VERSION = 3;
const END_VERSION = 4;

interface Transaction {
  readonly io: Io;
  readonly client: Client;
  readonly transactionalId: string;
  producerId: number;
  producerEpoch: number;
  /** By partition; all new after each beginning anew. */
  readonly sequences: number[];
}

/** Resolves when all transactions have ended one way or the other. */
export async function runTransactions(options: WriterOptions): Promise<void> {
  const { name, trace, now, history, region } = options;
  const { io, client } = region.client(name);
  const transaction: Transaction = {
    io,
    client,
    transactionalId: name,
    producerId: -1,
    producerEpoch: -1,
    sequences: [],
  };
  for (let number = 0; number < GEO.transactions; number++) {
    const partition = below(io.random, GEO.partitions);
    const isAborted = chance(io.random, GEO.abortShare);
    const values = Array.from(
      { length: 1 + below(io.random, 3) },
      (_, index) => `${isAborted ? ABORTED : ''}${name}:${3 * number + index}`,
    );
    try {
      const baseOffset = await run(transaction, partition, values, !isAborted);
      const at = { region: region.name, topic: TOPIC, partition, atMs: now(), life: 0 } as const;
      if (!isAborted)
        for (const [index, value] of values.entries())
          history.acknowledged.push({ ...at, offset: baseOffset + index, value });
    } catch (error) {
      trace(`${name} begins anew: ${(error as Error).message}`);
      transaction.producerId = -1;
      await io.timers.sleep(GEO.retryMs);
    }
    await io.timers.sleep(between(io.random, GEO.writePauseMs));
  }
  while (
    transaction.producerId < 0 &&
    !(await begin(transaction).then(
      () => true,
      () => false,
    ))
  )
    await io.timers.sleep(GEO.retryMs);
  await client.close();
}

async function run(
  transaction: Transaction,
  partition: number,
  values: readonly string[],
  commit: boolean,
): Promise<number> {
  if (transaction.producerId < 0) await begin(transaction);
  const { io, client, transactionalId, producerId, producerEpoch, sequences } = transaction;
  const added = await ask(transaction, AddPartitionsToTxn, ADD_PARTITIONS_VERSION, {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: TOPIC, partitions: [partition] }],
  });
  check(added.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode);
  const baseSequence = sequences[partition] ?? 0;
  const records = values.map((value) => ({
    timestamp: io.clock.now(),
    key: null,
    value: Buffer.from(value),
    headers: [],
  }));
  const batch = Buffer.from(writeBatch({ records, producerId, producerEpoch, baseSequence, transactional: true }));
  const { errorCode, baseOffset } = await client.produce(TOPIC, partition, [batch], { acks: -1 });
  check(errorCode);
  sequences[partition] = baseSequence + values.length;
  const ended = await ask(transaction, EndTxn, END_VERSION, {
    transactionalId,
    producerId,
    producerEpoch,
    committed: commit,
  });
  check(ended.errorCode);
  return baseOffset;
}

/** What was open before is aborted by it. */
async function begin(transaction: Transaction): Promise<void> {
  const { transactionalId } = transaction;
  const answer = await ask(transaction, InitProducerId, undefined, { transactionalId, transactionTimeoutMs: 60_000 });
  check(answer.errorCode);
  transaction.producerId = answer.producerId;
  transaction.producerEpoch = answer.producerEpoch;
  transaction.sequences.length = 0;
}

/** The markers of the transaction before may still be on their way: until then it is asked again. */
async function ask<A extends Api>(
  { io, client }: Transaction,
  api: A,
  version: number | undefined,
  body: RequestInput<A>,
): Promise<ResponseOf<A>> {
  for (let tries = 0; ; tries++) {
    const answer = await client.send(api, body, 'any', version === undefined ? {} : { version });
    const code = errorOf(answer);
    if (code !== ERROR.CONCURRENT_TRANSACTIONS || tries >= GEO.transactionTries) return answer;
    await io.timers.sleep(GEO.retryMs);
  }
}

function errorOf(answer: object): number {
  if ('errorCode' in answer && answer.errorCode !== ERROR.NONE) return answer.errorCode as number;
  const topics =
    'resultsByTopicV3AndBelow' in answer
      ? (answer.resultsByTopicV3AndBelow as ResponseOf<typeof AddPartitionsToTxn>['resultsByTopicV3AndBelow'])
      : [];
  return topics[0]?.resultsByPartition[0]?.partitionErrorCode ?? ERROR.NONE;
}

function check(code: number | undefined): void {
  if (code !== ERROR.NONE) throw new Error(errorName(code ?? ERROR.UNKNOWN_SERVER_ERROR));
}
