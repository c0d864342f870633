/**
 * kafkajs, a client that others wrote, set up for the acceptance tests: no retries beyond its own, no chatter.
 */
import { CompressionTypes, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import type { CityRecord } from './cities.ts';

/** `broker`: one address, or several with commas. */
export function kafkaClient(broker: string): Kafka {
  return new Kafka({
    clientId: 'acceptance',
    brokers: broker.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
}

export async function connectProducer(broker: string, options: { idempotent?: boolean } = {}): Promise<Producer> {
  const producer = kafkaClient(broker).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent: options.idempotent ?? false,
    ...(options.idempotent ? { maxInFlightRequests: 1 } : {}),
    allowAutoTopicCreation: true,
  });
  await producer.connect();
  return producer;
}

/** Sends the records in order, `chunk` at a time, each chunk acknowledged before the next. */
export async function sendAll(
  producer: Producer,
  topic: string,
  records: readonly CityRecord[],
  options: { chunk?: number; compression?: CompressionTypes; afterChunk?: (sent: number) => Promise<void> | void } = {},
): Promise<void> {
  const { chunk = 5_000, compression = CompressionTypes.None, afterChunk } = options;
  for (let at = 0; at < records.length; at += chunk) {
    await producer.send({ topic, compression, acks: -1, messages: records.slice(at, at + chunk) });
    await afterChunk?.(Math.min(at + chunk, records.length));
  }
}

interface FetchedMessage {
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
}

/** What of kafkajs' cluster is used: its metadata, its connections, its Fetch and its decoding. */
interface KafkajsCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(options: { nodeId: string }): Promise<{
    fetch(request: {
      topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[];
      maxWaitTime: number;
      minBytes: number;
    }): Promise<{
      responses: { partitions: { errorCode: number; highWatermark: string; messages: FetchedMessage[] }[] }[];
    }>;
  }>;
}

/**
 * Reads a whole topic without a group: kafkajs' own cluster, fetch and record decoding (its public consumer
 * always joins a group), from offset 0 to the high watermark of each partition.
 */
export async function readBack(
  broker: string,
  topic: string,
): Promise<{ partition: number; offset: number; key: string; value: string }[]> {
  const kafka = kafkaClient(broker) as unknown as Record<symbol, (options: object) => KafkajsCluster>;
  const create = Object.getOwnPropertySymbols(kafka).find((symbol) => symbol.description?.endsWith('createCluster'));
  const cluster = kafka[create as symbol]?.({
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    isolationLevel: 1,
  });
  if (cluster === undefined) throw new Error('kafkajs has no createCluster');
  await cluster.connect();
  const records: Awaited<ReturnType<typeof readBack>> = [];
  try {
    await cluster.addTargetTopic(topic);
    for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
      const node = await cluster.findBroker({ nodeId: String(leader) });
      let next = 0;
      for (let end = 1; next < end; ) {
        const partitions = [{ partition: partitionId, fetchOffset: String(next), maxBytes: 1 << 20 }];
        const answer = await node.fetch({ topics: [{ topic, partitions }], maxWaitTime: 100, minBytes: 0 });
        const found = answer.responses[0]?.partitions[0];
        if (found === undefined || found.errorCode !== 0) throw new Error(`fetch answered ${found?.errorCode}`);
        end = Number(found.highWatermark);
        for (const { offset, key, value } of found.messages) {
          if (Number(offset) < next) continue;
          records.push({ partition: partitionId, offset: Number(offset), key: String(key), value: String(value) });
          next = Number(offset) + 1;
        }
      }
    }
  } finally {
    await cluster.disconnect();
  }
  return records;
}

/** `<prefix>-0`, `<prefix>-1`, … under fifty keys. */
export function numberedRecords(prefix: string, count: number): CityRecord[] {
  return Array.from({ length: count }, (_, n) => ({ key: `k${n % 50}`, value: `${prefix}-${n}` }));
}

/** Writes them, once each, with a producer of its own. */
export async function writeNumbered(broker: string, topic: string, prefix: string, count: number): Promise<void> {
  const producer = await connectProducer(broker, { idempotent: true });
  await sendAll(producer, topic, numberedRecords(prefix, count), { chunk: 200 });
  await producer.disconnect();
}
