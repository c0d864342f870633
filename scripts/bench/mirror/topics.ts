/**
 * Topics of the mirror bench, by single requests to the one broker of a region: made, filled, looked at and deleted. Used
 * by the rows of `bench -- mirror` and by `chaos -- mirror`.
 */
import {
  type Api,
  CreateTopics,
  DeleteTopics,
  ERROR,
  errorName,
  ListOffsets,
  Produce,
  type RequestInput,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { type Payload, PRODUCE_VERSION, produceErrorAt, produceFrame } from '../broker/payloads.ts';
import { RawConnection } from '../broker/raw-connection.ts';

const TIMEOUT_MS = 30_000;
const RETRY_MS = 20;
const IN_FLIGHT = 5;
const ANSWER_BYTES = 1_048_576;
const LATEST = -1;

export const pause = (delayMs: number): Promise<void> => new Promise((done) => setTimeout(done, delayMs));

export async function ask<A extends Api>(
  port: number,
  api: A,
  version: number,
  body: RequestInput<A>,
): Promise<ResponseOf<A>> {
  const connection = await RawConnection.open(port, { keepBytes: ANSWER_BYTES });
  try {
    return await connection.request(api, version, body);
  } finally {
    connection.close();
  }
}

export async function createTopic(
  port: number,
  name: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [] };
  const set = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const { topics } = await ask(port, CreateTopics, 7, { timeoutMs: TIMEOUT_MS, topics: [{ ...topic, configs: set }] });
  const errorCode = topics[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
  if (errorCode !== ERROR.NONE) throw new Error(`CreateTopics ${name}: ${errorName(errorCode)}`);
}

/** Those that are not there are passed over. */
export async function deleteTopics(port: number, topicNames: readonly string[]): Promise<void> {
  await ask(port, DeleteTopics, 5, { topicNames, timeoutMs: TIMEOUT_MS });
}

/**
 * The same batch again and again (or several of one size in turn), some in flight, until so many records are acknowledged;
 * then the partition's end.
 */
export async function fill(
  port: number,
  topic: string,
  partition: number,
  payload: Payload,
  records: number,
  inTurn: readonly Payload[] = [payload],
): Promise<number> {
  await firstBatch(port, topic, partition, payload);
  const connection = await RawConnection.open(port);
  const frames = inTurn.map((each) => produceFrame(topic, partition, each, 1));
  const errorAt = produceErrorAt(topic);
  const batches = Math.ceil(records / payload.recordCount);
  try {
    await new Promise<void>((done, fail) => {
      let [sent, answered] = [1, 1];
      connection.onBroken = fail;
      connection.onAnswer = (_bytes, head) => {
        const errorCode = head.readInt16BE(errorAt);
        if (errorCode !== ERROR.NONE) return fail(new Error(`Produce: ${errorName(errorCode)}`));
        answered++;
        if (sent < batches) {
          connection.send(frames[sent++ % frames.length]!);
        } else if (answered >= batches) done();
      };
      if (batches <= 1) return done();
      for (; sent < Math.min(batches, IN_FLIGHT + 1); sent++) connection.send(frames[sent % frames.length]!);
    });
  } finally {
    connection.close();
  }
  return batches * payload.recordCount;
}

/** A new partition's leader may take a moment to know that it leads. */
export async function firstBatch(port: number, topic: string, index: number, payload: Payload): Promise<void> {
  const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index, records: [payload.batch] }] }];
  for (let tries = TIMEOUT_MS / RETRY_MS; ; tries--) {
    const answer = await ask(port, Produce, PRODUCE_VERSION, { acks: -1, timeoutMs: TIMEOUT_MS, topicData });
    const errorCode = answer.responses[0]?.partitionResponses[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    if (errorCode === ERROR.NONE) return;
    if (tries <= 0) throw new Error(`Produce ${topic}-${index}: ${errorName(errorCode)}`);
    await pause(RETRY_MS);
  }
}

/** Asks where partitions of a topic end, on one connection; −1 as long as there is no such partition. */
export class EndProbe {
  readonly #connection: RawConnection;

  private constructor(connection: RawConnection) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<EndProbe> {
    return new EndProbe(await RawConnection.open(port, { keepBytes: ANSWER_BYTES }));
  }

  async ends(name: string, count: number): Promise<number[]> {
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: LATEST }));
    const answer = await this.#connection.request(ListOffsets, 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions }],
    });
    const ends = new Array<number>(count).fill(-1);
    for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? [])
      if (errorCode === ERROR.NONE) ends[partitionIndex] = offset;
    return ends;
  }

  close(): void {
    this.#connection.close();
  }
}
