/**
 * `bench -- walk`: the whole way on real processes: start, idle memory, the cities end to end, and the latency of a
 * publish over WebSocket in one region until its delivery over WebSocket in the other.
 */
import { readFileSync } from 'node:fs';
import { loadCities } from '../../apps/meridian/src/testing/cities.ts';
import { connectProducer, sendAll } from '../../apps/meridian/src/testing/kafkajs-clients.ts';
import { type LocalPlatform, startLocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import { startReader } from '../../apps/meridian/src/testing/sdk-reader.ts';
import { connect } from '../../packages/sdk/src/sdk.ts';
import type { BenchTable } from './main.ts';
import { median, quantile } from './quantiles.ts';

/** Moves nothing to the ports of the broker bench, of the differential test or of another platform of ours. */
const PORT_OFFSET = 16_000;
const STARTS = 5;
const CITY_RUNS = 3;
const PUBLISH_PER_SECOND = 500;
const PUBLISH_SECONDS = 20;
const IDLE_MS = 10_000;

const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));

export async function walk(): Promise<BenchTable> {
  const starts: number[] = [];
  let platform: LocalPlatform | undefined;
  for (let run = 0; run < STARTS; run++) {
    await platform?.stop();
    const began = performance.now();
    platform = await startLocalPlatform({ portOffset: PORT_OFFSET });
    starts.push(performance.now() - began);
  }
  if (platform === undefined) throw new Error('nothing started');
  try {
    await pause(IDLE_MS);
    const idleMb = pssMb(platform.pids());
    const latencies = await publishLatencies(platform);
    const cities = await citiesSeconds(platform);
    const lines = [
      ['`meridian local` to `ready`', `${(median(starts) / 1000).toFixed(2)} s`, '≤ 3 s'],
      ['local platform idle, sum of PSS', `${idleMb.toFixed(0)} MB`, '≤ 450 MB'],
      ['cities end to end', `${median(cities).toFixed(2)} s`, '≤ 8 s'],
      [
        `publish over WebSocket → delivery in the other region, ${PUBLISH_PER_SECOND}/s: median / p99`,
        `${median(latencies).toFixed(1)} / ${quantile(latencies, 0.99).toFixed(1)} ms`,
        '≤ 15 / 60 ms',
      ],
    ];
    return { columns: ['work', 'measured', 'must'], lines };
  } finally {
    await platform.stop();
  }
}

/** Proportional set size: shared pages are divided among those who share them. Linux. */
function pssMb(pids: number[]): number {
  const kilobytes = pids.map((pid) => {
    const line = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(line?.[1] ?? Number.NaN);
  });
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}

async function citiesSeconds(platform: LocalPlatform): Promise<number[]> {
  const cities = loadCities();
  const seconds: number[] = [];
  for (let run = 0; run < CITY_RUNS; run++) {
    const topic = `cities-${run}`;
    const reader = await startReader({
      urls: [platform.gateway('eu-west')],
      token: await platform.token(`${topic}:read`),
      topic,
    });
    const producer = await connectProducer(platform.kafka('us-east'));
    const began = performance.now();
    await sendAll(producer, `acme.${topic}`, cities);
    await reader.until(cities.length, 120_000);
    seconds.push((performance.now() - began) / 1000);
    await reader.close();
    await producer.disconnect();
  }
  return seconds;
}

/** Milliseconds from the call of an acknowledged publish at us-east to its delivery at eu-west. */
async function publishLatencies(platform: LocalPlatform): Promise<number[]> {
  const token = await platform.token('latency:read,write');
  const writer = await connect({ urls: [platform.gateway('us-east')], token, protocol: 'json' });
  const reader = await connect({ urls: [platform.gateway('eu-west')], token, protocol: 'json' });
  await writer.publish('latency', { key: 'warm', value: { n: -1 } });
  const total = PUBLISH_PER_SECOND * PUBLISH_SECONDS;
  const warmUp = PUBLISH_PER_SECOND * 3;
  const sentAt: number[] = [];
  const latencies: number[] = [];
  const reading = (async () => {
    for await (const message of reader.subscribe('latency', { from: 'earliest' })) {
      const { n } = message.json() as { n: number };
      if (n >= warmUp) latencies.push(performance.now() - (sentAt[n] as number));
      if (latencies.length === total - warmUp) break;
    }
  })();
  await pause(3_000);
  const acknowledged: Promise<unknown>[] = [];
  const began = performance.now();
  for (let n = 0; n < total; n++) {
    const due = began + (n * 1000) / PUBLISH_PER_SECOND;
    if (due > performance.now()) await pause(due - performance.now());
    sentAt[n] = performance.now();
    acknowledged.push(writer.publish('latency', { key: `k${n % 64}`, value: { n } }));
  }
  await Promise.all(acknowledged);
  await reading;
  await writer.close();
  await reader.close();
  return latencies;
}
