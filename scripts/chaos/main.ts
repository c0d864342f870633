/**
 * `npm run chaos [-- --minutes 5 --seed N --kafka --keep]`: three brokers as real processes behind proxies, killed, stopped,
 * cut off and restarted while others write and read; at the end every acknowledged record must be there once, in its
 * place, and every consumer must have got what is there. Ends by itself, with 0 only if nothing was found.
 */
import { parseArgs } from 'node:util';
import { type Cluster, portsOf } from '../peers/cluster.ts';
import { allInSync, createTopic, partitionsSeenBy, until } from '../peers/cluster-admin.ts';
import { kafkaCluster } from '../peers/kafka-cluster.ts';
import { meridianCluster } from '../peers/meridian-cluster.ts';
import { audit, FINDINGS, type Finding, haveReadAll } from './audit/audit.ts';
import { readLogs } from './audit/final-read.ts';
import { Ledger } from './audit/ledger.ts';
import type { ChaosClient, ChaosContext } from './clients/chaos-client.ts';
import { startConfluentProducer, startConfluentReader } from './clients/confluent.ts';
import { startKafkajsGroup, startKafkajsProducer } from './clients/kafkajs.ts';
import { startMeridianProducer } from './clients/meridian-producer.ts';
import { planFaults } from './fault-plan.ts';
import { Faults } from './faults.ts';
import { type Door, Links } from './network/links.ts';
import { Timeline } from './timeline.ts';

const PORT = 30_300;
/** From a node's listener to the proxy in front of it. */
const TO_PROXY = 5;
const TOPIC = 'chaos';
const REPLICAS = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
  [1, 3, 2],
  [2, 1, 3],
  [3, 2, 1],
];
const TOPIC_CONFIGS = { 'min.insync.replicas': '2', 'segment.bytes': '1048576' };
/** Short, so that much happens in a run. */
const CONFIGS = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'replica.lag.time.max.ms': '2000',
  'offsets.topic.num.partitions': '3',
  'leader.imbalance.check.interval.seconds': '10',
  'group.initial.rebalance.delay.ms': '0',
};
const READY_LIMIT_MS = 60_000;
const CAUGHT_UP_LIMIT_MS = 60_000;
const SHOWN_FINDINGS = 20;

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    kafka: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed ?? Math.floor(Math.random() * 1e6));
const durationMs = Number(options.minutes) * 60_000;
if (!(durationMs > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run chaos -- [--minutes M] [--seed N] [--kafka] [--keep]');
  process.exit(2);
}
// Leaving ends every process that was started here.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const timeline = new Timeline();
const ledger = new Ledger();
const findings: Finding[] = [];
const failures: string[] = [];
const clusterOptions = { port: PORT, configs: CONFIGS, advertise: (port: number) => port + TO_PROXY };
const cluster = options.kafka ? await kafkaCluster(clusterOptions) : meridianCluster(clusterOptions);
const links = new Links(cluster.nodes.flatMap(doorsOf));
process.once('exit', () => options.keep || cluster.removeNow());
try {
  await run();
} catch (error) {
  failures.push((error as Error).message);
  console.error(error);
}
await timeline.stop();
links.close();
await Promise.all(cluster.nodes.map((node) => node.kill()));
process.exit(report());

async function run(): Promise<void> {
  timeline.note(`seed ${seed}, ${options.minutes} min, three nodes of ${cluster.name} in ${cluster.folder}`);
  for (const node of cluster.nodes) {
    node.onDeath = (how) => {
      failures.push(`node ${node.id} ended with ${how}: ${node.output.slice(-5).join('\n')}`);
      timeline.note(`FAILED: node ${node.id} ended with ${how}`);
    };
    await links.open(node);
  }
  timeline.note(`started in ${((await cluster.start()) / 1_000).toFixed(1)} s`);
  await createTopic(cluster, TOPIC, REPLICAS, TOPIC_CONFIGS);
  await allInSync(cluster, TOPIC, READY_LIMIT_MS);
  const context = { bootstrap: cluster.bootstrap, topic: TOPIC, partitions: REPLICAS.length, ledger };
  const { producers, consumers } = await startClients(context);
  timeline.watch(cluster, TOPIC, ledger);
  await injectFaults();
  await settle();
  for (const producer of producers) await stopped(producer);
  await check(context, consumers);
}

async function startClients(context: ChaosContext): Promise<{ producers: ChaosClient[]; consumers: ChaosClient[] }> {
  const consumers = [await startConfluentReader('reader', context), startKafkajsGroup('group', context)];
  const producers = [
    await startConfluentProducer('confluent', context),
    startKafkajsProducer('kafkajs-1', context),
    startKafkajsProducer('kafkajs-2', context),
    startMeridianProducer('meridian', context),
  ];
  return { producers, consumers };
}

async function injectFaults(): Promise<void> {
  const plan = planFaults(seed, durationMs);
  const faults = new Faults(cluster.nodes, links, timeline);
  const beganMs = performance.now();
  for (const planned of plan) {
    const waitMs = beganMs + planned.atMs - performance.now();
    if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs));
    faults.inject(planned);
  }
  await faults.undoAll();
  timeline.note(`${plan.length} faults are over`);
}

/** Every replica is in sync again. */
async function settle(): Promise<void> {
  await until('every replica is in sync', READY_LIMIT_MS, async () => {
    const views = await Promise.all(cluster.nodes.map(({ clientPort }) => partitionsSeenBy(clientPort, TOPIC)));
    return views.every((view) => view.every(({ isr, leader }) => leader > 0 && isr.length === cluster.nodes.length));
  });
  timeline.note('every replica is in sync');
}

/** Readers get what is left, then all is held against the logs. */
async function check({ partitions }: ChaosContext, consumers: readonly ChaosClient[]): Promise<void> {
  const logs = await readLogs(cluster, TOPIC, partitions);
  const count = [...logs.values()].reduce((sum, records) => sum + records.length, 0);
  timeline.note(`${count} records in the logs, the same on every node`);
  await until('the consumers have read all', CAUGHT_UP_LIMIT_MS, async () => haveReadAll(ledger, logs)).catch(() => {
    timeline.note('consumers have not read all'); // the audit names what
  });
  for (const consumer of consumers) await stopped(consumer);
  findings.push(...audit(ledger, logs));
  for (const name of ['confluent', 'kafkajs', 'meridian']) {
    const isTheirs = ([value, { kind }]: [string, { kind: string }]) =>
      value.startsWith(name) && kind === 'acknowledged';
    const acknowledged = [...ledger.outcomes].filter(isTheirs).length;
    timeline.note(`${name}: ${acknowledged} acknowledged`);
    if (acknowledged === 0) failures.push(`${name} had nothing acknowledged`);
  }
}

async function stopped(client: ChaosClient): Promise<void> {
  await client.stop().catch((error: Error) => {
    failures.push(`${client.name}: ${error.message}`);
  });
  timeline.note(`${client.name} has stopped`);
}

function doorsOf(node: Cluster['nodes'][number]): Door[] {
  const { internal, controller } = portsOf(PORT, node.id);
  return [internal, controller].map((port) => ({ node, port: port + TO_PROXY, targetPort: port }));
}

function report(): number {
  for (const { kind, what } of findings.slice(0, SHOWN_FINDINGS)) console.log(`${kind}: ${what}`);
  for (const failure of failures) console.log(`failed: ${failure}`);
  const counts = FINDINGS.map((kind) => `${findings.filter((finding) => finding.kind === kind).length} ${kind}`);
  console.log(
    `${ledger.acknowledgedCount} acknowledged, ${ledger.unknownCount} of unknown outcome: ${counts.join(', ')}`,
  );
  const isWell = findings.length === 0 && failures.length === 0 && ledger.acknowledgedCount > 0;
  console.log(
    isWell ? `chaos passed, seed ${seed}` : `chaos FAILED, seed ${seed}; logs in ${cluster.folder} with --keep`,
  );
  return isWell ? 0 : 1;
}
