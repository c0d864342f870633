/**
 * Kills the active controller of a cluster with 10,000 partitions of three replicas, and looks how long it takes until
 * another one creates a topic, and until no partition is without a leader. A row of `bench -- cluster`, on a cluster of
 * its own.
 */
import { CreateTopics, ERROR, Metadata, ZERO_UUID } from '@meridian/protocol';
import type { Cluster } from '../../peers/cluster.ts';
import { activeController, ask, check, pause, until } from '../../peers/cluster-admin.ts';
import type { NodeProcess } from '../../peers/node-process.ts';

const PARTITIONS_PER_TOPIC = 1_000;
const CREATION_LIMIT_MS = 600_000;
const LIMIT_MS = 120_000;
const TRY_EVERY_MS = 50;
const LOOK_EVERY_MS = 100;
const SETTLE_MS = 20_000;

const topicName = (index: number): string => `many-${index}`;

export interface FailOver {
  /** From the first CreateTopics until every replica of all partitions was in sync. */
  readonly creationSeconds: number;
  /** From the kill until another controller had created a topic. */
  readonly controllerSeconds: number;
  /** From the kill until every partition had a living leader in the eyes of both that are left. */
  readonly leadersSeconds: number;
}

export async function controllerFailOver(cluster: Cluster, partitions: number): Promise<FailOver> {
  const topics = Math.ceil(partitions / PARTITIONS_PER_TOPIC);
  let began = performance.now();
  const [anyone] = cluster.nodes;
  for (let index = 0; index < topics; index++) {
    const count = Math.min(PARTITIONS_PER_TOPIC, partitions - index * PARTITIONS_PER_TOPIC);
    const errorCode = await create(anyone!, topicName(index), count, 3, CREATION_LIMIT_MS);
    // A request that is forwarded again, to another controller, may find its own topic.
    if (errorCode !== ERROR.TOPIC_ALREADY_EXISTS) check(errorCode, 'CreateTopics');
  }
  await until('all replicas are in sync', CREATION_LIMIT_MS, () =>
    areAll(anyone!, topics, ({ leaderId, isrNodes }) => leaderId >= 0 && isrNodes.length === 3),
  );
  const creationSeconds = (performance.now() - began) / 1_000;
  await pause(SETTLE_MS);
  const controller = await activeController(cluster);
  const victim = cluster.nodes.find(({ id }) => id === controller)!;
  const others = cluster.nodes.filter((node) => node !== victim);
  began = performance.now();
  await victim.kill();
  const led = everyPartitionIsLed(others, topics, victim.id).then(() => (performance.now() - began) / 1_000);
  const controllerSeconds = await created(others).then(() => (performance.now() - began) / 1_000);
  return { creationSeconds, controllerSeconds, leadersSeconds: await led };
}

async function create(node: NodeProcess, name: string, numPartitions: number, factor: number, limitMs: number) {
  const topic = { name, numPartitions, replicationFactor: factor, assignments: [], configs: [] };
  const answer = await ask(node.clientPort, CreateTopics, 7, { timeoutMs: limitMs, topics: [topic] }, limitMs);
  return answer.topics[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
}

/** Another try leaves every 50 ms, whether or not those before were answered: the first success counts. */
function created(others: readonly NodeProcess[]): Promise<void> {
  return new Promise((done, fail) => {
    let tries = 0;
    const stop = (how: () => void): void => {
      clearInterval(timer);
      clearTimeout(deadline);
      how();
    };
    const attempt = (): void => {
      const node = others[tries % others.length]!;
      create(node, `after-${tries++}`, 1, 1, LIMIT_MS).then(
        (errorCode) => errorCode === ERROR.NONE && stop(done),
        () => {}, // the next try tells
      );
    };
    const timer = setInterval(attempt, TRY_EVERY_MS);
    const deadline = setTimeout(() => stop(() => fail(new Error('no controller creates topics'))), LIMIT_MS);
    attempt();
  });
}

async function everyPartitionIsLed(others: readonly NodeProcess[], topics: number, victimId: number): Promise<void> {
  const isLed = ({ leaderId }: { leaderId: number }) => leaderId >= 0 && leaderId !== victimId;
  for (const node of others) {
    await until('every partition has a leader', LIMIT_MS, async () => {
      const holds = await areAll(node, topics, isLed);
      if (!holds) await pause(LOOK_EVERY_MS);
      return holds;
    });
  }
}

async function areAll(
  node: NodeProcess,
  topics: number,
  holds: (partition: { leaderId: number; isrNodes: readonly number[] }) => boolean,
): Promise<boolean> {
  for (let index = 0; index < topics; index++) {
    const body = { topics: [{ name: topicName(index), topicId: ZERO_UUID }], allowAutoTopicCreation: false };
    const answer = await ask(node.clientPort, Metadata, 12, body);
    if (!(answer.topics[0]?.partitions ?? []).every(holds)) return false;
  }
  return true;
}
