/**
 * kcat (librdkafka): the cities in at us-east and out at eu-west with everything killed on the way that may be, and
 * every codec and the idempotent producer against one region.
 */
import assert from 'node:assert/strict';
import { expectedDigests, loadCities } from '../../apps/meridian/src/testing/cities.ts';
import type { LocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import { startReader } from '../../apps/meridian/src/testing/sdk-reader.ts';
import { type CompatCheck, type CompatClient, installDebian, runTool } from './compat-client.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export const kcatClient: CompatClient = {
  name: 'kcat',
  install: () => installDebian('kcat', 'kcat'),
  checks: [
    { name: 'writes the cities at us-east; the SDK reads them at eu-west, equal per partition', run: citiesAcross },
    { name: 'reads the copy at eu-west, the same offsets as at the origin', run: copyHasSameOffsets },
    { name: 'is refused when it writes to a copy', run: copyRefusesWrites },
    { name: 'lists brokers and topics', run: lists },
    ...CODECS.map((codec) => roundTrip(`${codec} records`, `codec-${codec}`, ['-z', codec])),
    roundTrip('idempotent records', 'idempotent', ['-X', 'enable.idempotence=true']),
  ],
};

async function citiesAcross(platform: LocalPlatform): Promise<void> {
  const cities = loadCities();
  const lines = cities.map(({ key, value }) => `${key}\t${value}\n`).join('');
  const kafka = platform.kafka('us-east');
  await platform.command(['topic', 'create', 'cities', '--tenant', 'acme', '--partitions', '6', '--region', 'us-east']);
  await runTool('kcat', ['-b', kafka, '-t', 'acme.cities', '-P', '-K\t', '-X', 'partitioner=murmur2_random'], lines);
  const reader = await startReader({
    urls: [platform.gateway('eu-west')],
    token: await platform.token('cities:read'),
    topic: 'cities',
  });
  await reader.until(cities.length, 60_000);
  assert.deepEqual(reader.disorders, []);
  assert.equal(reader.received, cities.length);
  assert.deepEqual(reader.digests('us-east').result(), expectedDigests(cities).result());
  await reader.close();
}

async function copyHasSameOffsets(platform: LocalPlatform): Promise<void> {
  const read = (broker: string, topic: string) =>
    runTool('kcat', ['-b', broker, '-C', '-t', topic, '-e', '-q', '-o', 'beginning', '-f', '%p %o %k %T\n']);
  const sorted = (bytes: Buffer) => bytes.toString().split('\n').sort().join('\n');
  const origin = sorted(await read(platform.kafka('us-east'), 'acme.cities'));
  assert.ok(origin.length > 1_000_000);
  assert.equal(sorted(await read(platform.kafka('eu-west'), 'us-east.acme.cities')), origin);
}

async function copyRefusesWrites(platform: LocalPlatform): Promise<void> {
  const args = [
    '-b',
    platform.kafka('eu-west'),
    '-P',
    '-t',
    'us-east.acme.cities',
    '-p',
    '0',
    '-X',
    'message.timeout.ms=5000',
  ];
  await assert.rejects(runTool('kcat', args, 'not mine\n'), /policy|denied|Delivery failed/i);
}

async function lists(platform: LocalPlatform): Promise<void> {
  const listing = JSON.parse((await runTool('kcat', ['-b', platform.kafka('us-east'), '-L', '-J'])).toString());
  assert.equal(listing.brokers.length, 1);
  assert.ok(listing.topics.some((topic: { topic: string }) => topic.topic === 'acme.cities'));
}

function roundTrip(what: string, topic: string, options: string[]): CompatCheck {
  const lines = Array.from({ length: 5_000 }, (_, n) => `key-${n % 97}:value ${n} ${'x'.repeat(n % 200)}`);
  return {
    name: `writes and reads back ${what}`,
    run: async (platform) => {
      const broker = platform.kafka('us-east');
      await runTool('kcat', ['-b', broker, '-t', `acme.${topic}`, '-P', '-K:', ...options], `${lines.join('\n')}\n`);
      const back = await runTool('kcat', ['-b', broker, '-t', `acme.${topic}`, '-C', '-e', '-q', '-K:']);
      assert.deepEqual(back.toString().trimEnd().split('\n').sort(), [...lines].sort());
    },
  };
}
