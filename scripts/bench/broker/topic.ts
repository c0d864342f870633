/** Topics of the bench: made for one round, filled if it reads, and deleted after it, so that the disk never fills up. */
import { CreateTopics, DeleteTopics, ERROR, errorName, Produce, ZERO_UUID } from '@meridian/protocol';
import type { Contestant } from './contestant.ts';
import { type Payload, PRODUCE_VERSION } from './payloads.ts';
import { RawConnection } from './raw-connection.ts';

const TIMEOUT_MS = 10_000;
const RETRY_MS = 20;
/** Kafka removes files half a second after the topic. */
const SETTLE_MS = 1_000;
const ADMIN_ANSWER_BYTES = 65_536;

const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));

/** Runs with a topic on which every partition has taken a first batch (`first`, at offset 0). */
export async function withTopic<T>(
  contestant: Contestant,
  options: { partitions: number; first: Payload; configs?: Record<string, string> },
  run: (topic: string) => Promise<T>,
): Promise<T> {
  const topic = `bench-${Math.random().toString(36).slice(2, 10)}`;
  const admin = await RawConnection.open(contestant.port, { keepBytes: ADMIN_ANSWER_BYTES });
  try {
    const configs = Object.entries(options.configs ?? {}).map(([name, value]) => ({ name, value }));
    const created = await admin.request(CreateTopics, 7, {
      timeoutMs: TIMEOUT_MS,
      topics: [{ name: topic, numPartitions: options.partitions, replicationFactor: 1, assignments: [], configs }],
    });
    check(created.topics[0]?.errorCode ?? 0, 'CreateTopics');
    for (let index = 0; index < options.partitions; index++) await firstBatch(admin, topic, index, options.first);
    return await run(topic);
  } finally {
    await admin.request(DeleteTopics, 5, { topicNames: [topic], timeoutMs: TIMEOUT_MS });
    admin.close();
    await pause(SETTLE_MS);
  }
}

/** A new partition's leader may take a moment to know that it leads. */
async function firstBatch(admin: RawConnection, topic: string, index: number, payload: Payload): Promise<void> {
  const partitionData = [{ index, records: [payload.batch] }];
  const body = { acks: -1, timeoutMs: TIMEOUT_MS, topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }] };
  for (let tries = TIMEOUT_MS / RETRY_MS; ; tries--) {
    const answer = await admin.request(Produce, PRODUCE_VERSION, body);
    const errorCode = answer.responses[0]?.partitionResponses[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    if (errorCode === ERROR.NONE) return;
    if (tries <= 0) check(errorCode, 'Produce');
    await pause(RETRY_MS);
  }
}

function check(errorCode: number, what: string): void {
  if (errorCode !== ERROR.NONE) throw new Error(`${what}: ${errorName(errorCode)}`);
}
