/**
 * The simulator's Apache Kafka beside the real one: the same questions to both, through the same client, and the answers
 * must be the same. What the simulator proves about mirrors of Apache Kafka stands on it.
 */
import assert from 'node:assert/strict';
import { type Client, createClient } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { createSimKafka, type SimKafka } from '../../packages/sim/src/kafka/sim-kafka.ts';
import { SimKafkaDisk } from '../../packages/sim/src/kafka/sim-kafka-disk.ts';
import { installKafka } from '../peers/kafka.ts';
import { type MirrorRegion, openRegion } from '../peers/mirror-region.ts';
import type { CompatClient } from './compat-client.ts';
import { groupsScript } from './sim-kafka/groups-script.ts';
import { logsScript, producersScript, refusalsScript } from './sim-kafka/logs-script.ts';
import type { Script } from './sim-kafka/subject.ts';
import { transactionsScript } from './sim-kafka/transactions-script.ts';

const PORTS = { kafka: 23_900, sim: 23_910 };
const HOST = '127.0.0.1';

interface Pair {
  readonly real: Client;
  readonly twin: Client;
  open(port: number): Client;
  end(): Promise<void>;
}

let pair: Promise<Pair> | undefined;

const check = (name: string, script: Script) => ({ name, run: () => compare(script) });

export const simKafkaClient: CompatClient = {
  name: 'sim-kafka',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [
    check('batches that are refused, and with which code', refusalsScript),
    check('sequences and epochs of producers, at random', producersScript),
    check('offsets, epochs, what is deleted and who has written', logsScript),
    check('transactions: the code of each call in each state, and what readers are told', transactionsScript),
    check('groups: members, generations, commits from outside', groupsScript),
  ],
  end: async () => {
    await (await pair)?.end();
    pair = undefined;
  },
};

async function compare(script: Script): Promise<void> {
  pair ??= start();
  const { real, twin, open } = await pair;
  const ask = (client: Client, port: number) => script({ client, another: () => open(port) });
  const [wanted, found] = [await ask(real, PORTS.kafka), await ask(twin, PORTS.sim)];
  assert.ok(wanted.length > 0, 'the script tells something');
  for (const [at, [question, answer]] of wanted.entries())
    assert.deepEqual(found[at], [question, answer], `${question}: Apache Kafka's answer is the second one`);
  assert.equal(found.length, wanted.length);
}

async function start(): Promise<Pair> {
  const region: MirrorRegion = await openRegion({
    ...{ engine: 'kafka', name: 'west', id: 1, port: PORTS.kafka, heap: '384M' },
    configs: { 'log.message.timestamp.type': 'CreateTime' },
  });
  const io = createRealIo();
  const options = { host: HOST, port: PORTS.sim, disk: new SimKafkaDisk(), initialRebalanceDelayMs: 0 };
  const twin: SimKafka = await createSimKafka({ io, ...options });
  await region.node.start();
  const open = (port: number): Client =>
    createClient({ io, bootstrap: [{ host: HOST, port }], clientId: 'compat', log: silentLogger });
  const clients = [open(PORTS.kafka), open(PORTS.sim)] as const;
  return {
    ...{ real: clients[0], twin: clients[1], open },
    async end() {
      for (const client of clients) await client.close();
      await twin.close();
      await region.remove();
    },
  };
}
