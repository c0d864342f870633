/**
 * The two brokers of a differential run, configured alike: started for the run, or ones that run already. Called by
 * `differential.ts`.
 */
import { createServer } from 'node:net';
import { FindCoordinator, InitProducerId } from '@meridian/protocol';
import { startKafka } from '../peers/kafka.ts';
import { CLOSED, SILENT } from './broker-connection.ts';
import { startMeridianBroker } from './meridian-broker.ts';
import { pause } from './settle.ts';
import { Side } from './side.ts';

const WARM_UP_ATTEMPTS = 300;
const WARM_UP_PAUSE_MS = 100;

/** What both have to have the same for the same answers, and short enough for tests. */
const CONFIGS: Readonly<Record<string, string>> = {
  'num.partitions': '1',
  'auto.create.topics.enable': 'true',
  'offsets.topic.num.partitions': '5',
  'offsets.topic.replication.factor': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '500',
  'max.incremental.fetch.session.cache.slots': '20000',
};

/** Apache Kafka's controller otherwise gathers changes for 25 ms before it writes any. */
const HASTE: Readonly<Record<string, string>> = { 'controller.quorum.append.linger.ms': '0' };

export interface Ports {
  readonly ours: number;
  readonly theirs: number;
}

/** Starts both, hands their ports to `run` and stops them; those whose port is given run already. */
export async function withBrokers<T>(given: Partial<Ports>, run: (ports: Ports) => Promise<T>): Promise<T> {
  // The brokers die with this process, and it must end for that.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const ports = { ours: given.ours ?? (await freePair()), theirs: given.theirs ?? (await freePair()) };
  const meridian = given.ours === undefined ? await startMeridianBroker(ports.ours, CONFIGS) : undefined;
  try {
    const properties = { ...CONFIGS, ...HASTE };
    const kafka = given.theirs === undefined ? await startKafka({ port: ports.theirs, properties }) : undefined;
    try {
      await Promise.all([warmUp(new Side('Meridian', ports.ours)), warmUp(new Side('Apache Kafka', ports.theirs))]);
      return await run(ports);
    } finally {
      await kafka?.stop();
    }
  } finally {
    await meridian?.stop();
  }
}

/** Groups are served once the coordinator's own topic is there, producer ids once the first block is. */
async function warmUp(side: Side): Promise<void> {
  const transactionTimeoutMs = 60_000;
  const coordinatorKeys = Array.from({ length: 20 }, (_, n) => `any${n}`);
  for (let attempt = 0; attempt < WARM_UP_ATTEMPTS; attempt++) {
    const found = await side.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys });
    const made = await side.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs });
    const isAnswered = found !== CLOSED && found !== SILENT && made !== CLOSED && made !== SILENT;
    if (isAnswered && made.errorCode === 0 && found.coordinators.every(({ errorCode }) => errorCode === 0)) {
      side.end();
      return;
    }
    await pause(WARM_UP_PAUSE_MS);
  }
  throw new Error(`${side.name} has no group coordinator`);
}

const MAX_PAIRS_TRIED = 50;

/** A broker takes a port and the one above it. */
async function freePair(): Promise<number> {
  for (let tried = 0; tried < MAX_PAIRS_TRIED; tried++) {
    const port = await listened(0);
    if (port !== undefined && (await listened(port + 1)) !== undefined) return port;
  }
  throw new Error('no two free ports beside each other');
}

function listened(wanted: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
