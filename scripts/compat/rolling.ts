/**
 * A rolling restart of three of our brokers while others' producers and consumers go on: confluent-kafka and kafkajs as
 * `npm run chaos` runs them, and Java's producer. No call fails beyond the client's own retries, every record is there
 * once, in order, and every consumer gets it.
 */
import assert from 'node:assert/strict';
import { audit, haveReadAll } from '../chaos/audit/audit.ts';
import { readLogs } from '../chaos/audit/final-read.ts';
import { Ledger } from '../chaos/audit/ledger.ts';
import type { ChaosClient, ChaosContext } from '../chaos/clients/chaos-client.ts';
import { startConfluentProducer, startConfluentReader } from '../chaos/clients/confluent.ts';
import { startKafkajsGroup, startKafkajsProducer } from '../chaos/clients/kafkajs.ts';
import { startMeridianProducer } from '../chaos/clients/meridian-producer.ts';
import type { Cluster } from '../peers/cluster.ts';
import { allInSync, createTopic, partitionsSeenBy, pause, until } from '../peers/cluster-admin.ts';
import { installKafka } from '../peers/kafka.ts';
import { meridianCluster } from '../peers/meridian-cluster.ts';
import { verifiableProducer } from './cluster/java-producer.ts';
import type { CompatClient } from './compat-client.ts';

const PORT = 31_600;
const LIMIT_MS = 60_000;
/** Before the first restart, between two, and behind the last. */
const STEADY_MS = 3_000;
const TOPIC = 'rolling';
const JAVA_TOPIC = 'rolling-java';
const JAVA_LOAD = { count: 6_000, perSecond: 200 };
const REPLICAS = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
];
const CONFIGS = { 'min.insync.replicas': '2' };

export const rollingClient: CompatClient = {
  name: 'rolling',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [
    {
      name: 'producers and consumers ride through a rolling restart of three brokers',
      run: () => onCluster(meridianCluster({ port: PORT, configs: { 'offsets.topic.num.partitions': '3' } })),
    },
  ],
};

async function onCluster(cluster: Cluster): Promise<void> {
  try {
    await rideThrough(cluster);
  } finally {
    await cluster.remove();
  }
}

/** Removes nothing. */
export async function rideThrough(cluster: Cluster): Promise<void> {
  await cluster.start();
  for (const topic of [TOPIC, JAVA_TOPIC]) {
    await createTopic(cluster, topic, REPLICAS, CONFIGS);
    await allInSync(cluster, topic, LIMIT_MS);
  }
  const ledger = new Ledger();
  const context = { bootstrap: cluster.bootstrap, topic: TOPIC, partitions: REPLICAS.length, ledger };
  const consumers = [await startConfluentReader('reader', context), startKafkajsGroup('group', context)];
  const producers = [
    await startConfluentProducer('confluent', context),
    startKafkajsProducer('kafkajs', context),
    startMeridianProducer('meridian', context),
  ];
  const java = verifiableProducer(cluster.bootstrap, JAVA_TOPIC, JAVA_LOAD);
  java.catch(() => {}); // awaited below
  await pause(STEADY_MS);
  for (const node of cluster.nodes) {
    await node.stop();
    await node.start();
    await inSync(cluster);
    await pause(STEADY_MS);
  }
  for (const producer of producers) await producer.stop();
  await checkJava(cluster, await java);
  await checkLedger(cluster, context, consumers);
}

async function checkJava(cluster: Cluster, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  await inSync(cluster);
  const found = new Map<string, string>();
  for (const [partition, records] of await readLogs(cluster, JAVA_TOPIC, REPLICAS.length)) {
    for (const { offset, value } of records) found.set(`${partition}@${offset}`, value);
  }
  assert.equal(new Set(found.values()).size, JAVA_LOAD.count, 'every number is there');
  assert.deepEqual(found, acknowledged);
}

async function checkLedger(cluster: Cluster, context: ChaosContext, consumers: readonly ChaosClient[]): Promise<void> {
  const { ledger } = context;
  const logs = await readLogs(cluster, TOPIC, context.partitions);
  await until('the consumers have read all', LIMIT_MS, async () => haveReadAll(ledger, logs)).catch(() => {});
  for (const consumer of consumers) await consumer.stop();
  assert.deepEqual(audit(ledger, logs).slice(0, 5), []);
  const failed = [...ledger.outcomes].filter(([, { kind }]) => kind !== 'acknowledged');
  assert.deepEqual(failed.slice(0, 5), [], 'no call has failed');
  for (const kind of ['confluent', 'kafkajs', 'meridian']) {
    const theirs = [...ledger.outcomes.keys()].filter((value) => value.startsWith(kind));
    assert.ok(theirs.length > 500, `${kind}: ${theirs.length} records`);
  }
}

/** Every replica of both topics, as every node sees it. */
async function inSync(cluster: Cluster): Promise<void> {
  await until('every replica is in sync', LIMIT_MS, async () => {
    for (const topic of [TOPIC, JAVA_TOPIC]) {
      const views = await Promise.all(cluster.nodes.map(({ clientPort }) => partitionsSeenBy(clientPort, topic)));
      if (!views.every((view) => view.every(({ isr, leader }) => leader > 0 && isr.length === cluster.nodes.length)))
        return false;
    }
    return true;
  });
}
