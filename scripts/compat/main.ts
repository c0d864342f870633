/**
 * `npm run compat -- <client>|all`: clients that others wrote, against a freshly started local platform.
 * Each client installs what it needs (Debian; elsewhere it says what is missing) and runs its checks; a check that
 * cannot run is a failure. Ends with `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startLocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import type { CompatClient } from './compat-client.ts';
import { confluentClient } from './confluent.ts';
import { franzGoClient } from './franz-go.ts';
import { kafkaToolsClient } from './kafka-tools.ts';
import { kafkajsClient } from './kafkajs.ts';
import { kcatClient } from './kcat.ts';
import { platformaticClient } from './platformatic.ts';

const CLIENTS: readonly CompatClient[] = [
  kcatClient,
  kafkajsClient,
  platformaticClient,
  confluentClient,
  franzGoClient,
  kafkaToolsClient,
];
const PORT_OFFSET = 15_000;

const wanted = process.argv[2] ?? 'all';
const chosen = CLIENTS.filter((client) => wanted === 'all' || client.name === wanted);
if (chosen.length === 0) {
  console.error(`unknown client ${wanted}; known: all, ${CLIENTS.map((client) => client.name).join(', ')}`);
  process.exit(2);
}

const data = mkdtempSync(join(tmpdir(), 'meridian-compat-'));
const platform = await startLocalPlatform({ portOffset: PORT_OFFSET, data });
let passed = 0;
let failed = 0;
try {
  for (const client of chosen) await runClient(client);
} finally {
  await platform.stop();
  rmSync(data, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function runClient(client: CompatClient): Promise<void> {
  try {
    await client.install();
  } catch (error) {
    failed++;
    console.log(`not ok ${client.name}: cannot be installed here: ${(error as Error).message}`);
    return;
  }
  for (const check of client.checks) {
    try {
      await check.run(platform);
      passed++;
      console.log(`ok ${client.name}: ${check.name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${client.name}: ${check.name}\n${inspect(error, { depth: 4 })}`);
    }
  }
}
