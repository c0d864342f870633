/**
 * `npm run compat -- <client>|all`: clients that others wrote, against a freshly started local platform, or brokers of their
 * own;
 * `npm run compat -- differential --scripts 200 --seed N`: random scripts to it and to Apache Kafka. Each client installs what it needs
 * (Debian; elsewhere it says what is missing) and runs its checks; a check that cannot run is a failure. Ends with
 * `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type LocalPlatform, startLocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import { runDifferential } from '../differential/differential.ts';
import { aiokafkaClient } from './aiokafka.ts';
import { cleanerClient } from './cleaner.ts';
import { clusterToolsClient } from './cluster-tools.ts';
import type { CompatClient } from './compat-client.ts';
import { confluentClient } from './confluent.ts';
import { foldersClient } from './folders.ts';
import { franzGoClient } from './franz-go.ts';
import { kafkaClientsClient } from './kafka-clients.ts';
import { kafkaGoClient } from './kafka-go.ts';
import { kafkaPythonClient } from './kafka-python.ts';
import { kafkaToolsClient } from './kafka-tools.ts';
import { kafkajsClient } from './kafkajs.ts';
import { kcatClient } from './kcat.ts';
import { mirrorClient } from './mirror.ts';
import { mirrorClientClient } from './mirror-client.ts';
import { mirrorFailoverClient } from './mirror-failover.ts';
import { mirrorSecurityClient } from './mirror-security.ts';
import { mirrorTransactionsClient } from './mirror-transactions.ts';
import { platformaticClient } from './platformatic.ts';
import { produceClient } from './produce.ts';
import { rollingClient } from './rolling.ts';
import { saramaClient } from './sarama.ts';
import { simKafkaClient } from './sim-kafka.ts';

const CLIENTS: readonly CompatClient[] = [
  kcatClient,
  kafkajsClient,
  platformaticClient,
  confluentClient,
  aiokafkaClient,
  kafkaPythonClient,
  franzGoClient,
  saramaClient,
  kafkaGoClient,
  kafkaToolsClient,
  kafkaClientsClient,
  produceClient,
  foldersClient,
  cleanerClient,
  clusterToolsClient,
  rollingClient,
  mirrorClient,
  mirrorClientClient,
  mirrorTransactionsClient,
  mirrorSecurityClient,
  simKafkaClient,
  mirrorFailoverClient,
];
const PORT_OFFSET = 15_000;

const DIFFERENTIAL = 'differential';
const [wanted = 'all', ...options] = process.argv.slice(2);
const chosen = CLIENTS.filter((client) => wanted === 'all' || client.name === wanted);
if (chosen.length === 0 && wanted !== DIFFERENTIAL) {
  console.error(`unknown client ${wanted}; known: all, ${DIFFERENTIAL}, ${CLIENTS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
if (chosen.length > 0) await runClients();
if (wanted === DIFFERENTIAL) {
  const scripts = await runDifferential(options);
  passed += scripts.passed;
  failed += scripts.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function runClients(): Promise<void> {
  await onPlatform(chosen.filter(({ standsAlone }) => !standsAlone));
  // Without the platform beside them: they compare nothing with it, and have the machine to themselves.
  for (const client of chosen.filter(({ standsAlone }) => standsAlone)) await runClient(client);
}

async function onPlatform(clients: readonly CompatClient[]): Promise<void> {
  if (clients.length === 0) return;
  const data = mkdtempSync(join(tmpdir(), 'meridian-compat-'));
  const platform = await startLocalPlatform({ portOffset: PORT_OFFSET, data });
  try {
    for (const client of clients) await runClient(client, platform);
  } finally {
    await platform.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

async function runClient(client: CompatClient, platform?: LocalPlatform): Promise<void> {
  try {
    await client.install();
  } catch (error) {
    failed++;
    console.log(`not ok ${client.name}: cannot be installed here: ${(error as Error).message}`);
    return;
  }
  for (const check of client.checks) {
    try {
      await check.run(platform as LocalPlatform);
      passed++;
      console.log(`ok ${client.name}: ${check.name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${client.name}: ${check.name}\n${inspect(error, { depth: 4 })}`);
    }
  }
  await client.end?.();
}
