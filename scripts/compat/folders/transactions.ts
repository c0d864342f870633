/**
 * A transactional producer for Apache Kafka, in the few requests that it takes: our own brokers have no transactions yet,
 * but read the logs of those who have.
 */
import assert from 'node:assert/strict';
import { FindCoordinator, InitProducerId, Produce, ZERO_UUID } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { array, boolean, defineApi, int16, int32, int64, string } from '../../../packages/protocol/src/codec/schema.ts';
import { type Client, settled } from './observed.ts';

const TRANSACTION_COORDINATOR = 1;

const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    topics: array({ name: string(), partitions: array(int32()) }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
});

const EndTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 3,
  request: { transactionalId: string(), producerId: int64(), producerEpoch: int16(), committed: boolean() },
  response: { throttleTimeMs: int32(), errorCode: int16() },
});

export class TransactionalProducer {
  readonly #client: Client;
  readonly #transactionalId: string;
  #producerId = -1;
  #producerEpoch = -1;
  readonly #sequences = new Map<number, number>();

  constructor(client: Client, transactionalId: string) {
    this.#client = client;
    this.#transactionalId = transactionalId;
  }

  async begin(): Promise<void> {
    const transactionalId = this.#transactionalId;
    const begun = await settled(async () => {
      await this.#client.request(FindCoordinator, 1, { key: transactionalId, keyType: TRANSACTION_COORDINATOR });
      const tried = await this.#client.request(InitProducerId, 1, { transactionalId, transactionTimeoutMs: 60_000 });
      return tried.errorCode === 0 ? tried : undefined;
    });
    this.#producerId = begun.producerId;
    this.#producerEpoch = begun.producerEpoch;
  }

  /** One transaction: a batch to each partition. */
  async write(
    topic: string,
    values: ReadonlyMap<number, readonly string[]>,
    end: 'commit' | 'abort' | 'leave open',
  ): Promise<void> {
    const named = {
      transactionalId: this.#transactionalId,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
    };
    await settled(async () => {
      const topics = [{ name: topic, partitions: [...values.keys()] }];
      const { results } = await this.#client.request(AddPartitionsToTxn, 0, { ...named, topics });
      return results[0]!.partitions.every(({ errorCode }) => errorCode === 0) || undefined;
    });
    for (const [index, texts] of values) await this.#produce(topic, index, texts);
    if (end === 'leave open') return;
    await settled(async () => {
      const { errorCode } = await this.#client.request(EndTxn, 0, { ...named, committed: end === 'commit' });
      return errorCode === 0 || undefined;
    });
  }

  async #produce(name: string, index: number, texts: readonly string[]): Promise<void> {
    const baseSequence = this.#sequences.get(index) ?? 0;
    const producer = {
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence,
      transactional: true,
    };
    const records = texts.map((text) => ({ timestamp: Date.now(), value: Buffer.from(text) }));
    const batch = Buffer.from(writeBatch({ records, ...producer }));
    const topicData = [{ name, topicId: ZERO_UUID, partitionData: [{ index, records: [batch] }] }];
    const request = { transactionalId: this.#transactionalId, acks: -1, timeoutMs: 10_000, topicData };
    const { responses } = await this.#client.request(Produce, 9, request);
    assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0);
    this.#sequences.set(index, baseSequence + texts.length);
  }
}
