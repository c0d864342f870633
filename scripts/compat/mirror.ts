/**
 * The acceptance tests of the local platform, as they run on Meridian's own brokers in `npm test`, once more with one
 * region or both on Apache Kafka: nothing in them is told which, but the folder of regions that they start from.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeRegions } from '../../apps/meridian/src/testing/regions-folder.ts';
import { installKafka } from '../peers/kafka.ts';
import { type Engine, type MirrorRegion, openRegion } from '../peers/mirror-region.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const KAFKA_PORTS = { 'us-east': 23_800, 'eu-west': 23_820 } as const;
const LIMIT_MS = 300_000;
const HEAP = '384M';
/** As the local platform sets its own brokers. */
const CONFIGS = { 'auto.create.topics.enable': 'true', 'num.partitions': '6' };

export const mirrorClient: CompatClient = {
  name: 'mirror',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [
    pairing({ 'us-east': 'embedded', 'eu-west': 'kafka' }),
    pairing({ 'us-east': 'kafka', 'eu-west': 'embedded' }),
    pairing({ 'us-east': 'kafka', 'eu-west': 'kafka' }),
    {
      name: 'a mesh of three regions, two embedded and one on Apache Kafka, with two mirrors in each',
      run: () => onKafka(MESH, (folder) => acceptance(folder, ['mesh']), true),
    },
  ],
};

const MESH = { 'us-east': 'embedded', 'eu-west': 'kafka' } as const;

type Pairing = Record<keyof typeof KAFKA_PORTS, Engine>;

function pairing(engines: Pairing): CompatCheck {
  const told = Object.entries(engines).map(([region, engine]) => `${region} ${engine}`);
  return {
    name: `active/active, and 171,075 records through kills, with ${told.join(' and ')}`,
    run: () => onKafka(engines, (folder) => acceptance(folder, ['both-regions', 'cities'])),
  };
}

/** Starts the regions whose engine is `kafka`, and hands on a folder that describes all. */
async function onKafka(engines: Pairing, work: (folder: string) => Promise<void>, isMesh = false): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'regions-'));
  const clusters: MirrorRegion[] = [];
  try {
    for (const name of Object.keys(engines) as (keyof Pairing)[]) {
      if (engines[name] !== 'kafka') continue;
      const options = { engine: 'kafka', name, id: 1, port: KAFKA_PORTS[name], heap: HEAP, configs: CONFIGS } as const;
      const cluster = await openRegion(options);
      clusters.push(cluster);
      await cluster.node.start();
    }
    writeRegions(folder, new Map(clusters.map(({ name, port }) => [name, `127.0.0.1:${port}`])), isMesh);
    await work(folder);
  } finally {
    for (const cluster of clusters) await cluster.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The files in a process of vitest's own, one after the other. */
function acceptance(folder: string, files: readonly string[]): Promise<void> {
  const tests = files.map((file) => `src/acceptance/${file}.test.ts`);
  const args = ['run', '--root', join(ROOT, 'apps/meridian'), '--config', join(ROOT, 'vitest.config.ts')];
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, ...args, '--no-file-parallelism', ...tests], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MERIDIAN_TEST_REGIONS: folder, NO_COLOR: '1' },
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) done();
      else fail(new Error(`the acceptance tests ended with ${code ?? signal}:\n${Buffer.concat(output)}`));
    });
  });
}
