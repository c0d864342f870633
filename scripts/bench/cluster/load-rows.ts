/** The rows of `bench -- cluster` that put a load on three healthy nodes: acks=all, three replicas, two of them in sync. */
import type { Cluster } from '../../peers/cluster.ts';
import { runClosedLoop } from '../broker/closed-loop.ts';
import { runPaced } from '../broker/paced-load.ts';
import { type Payload, payloadOf } from '../broker/payloads.ts';
import { produceLoad } from '../broker/produce-load.ts';
import { quantile } from '../quantiles.ts';
import type { Measure } from '../ratio-table.ts';
import { targetOf, withReplicatedTopic } from './replicated-topic.ts';

export interface ClusterRow {
  /** For `--only`. */
  readonly id: string;
  readonly work: string;
  readonly measures: readonly Measure[];
  /** One value for each measure; memory is that of all three nodes. */
  run(cluster: Cluster, durationMs: number): Promise<{ values: number[]; residentMb?: number }>;
}

const ACKS_ALL = -1;
const PACED_PER_SECOND = 1_000;
const BATCHES = payloadOf(100, 65_536);
const ONE_RECORD = payloadOf(100, 0);
const QUANTILES = [0.5, 0.99];
const LATENCIES: readonly Measure[] = [
  { name: 'p50', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
];

function produce(cluster: Cluster, payload: Payload, durationMs: number) {
  return withReplicatedTopic(cluster, payload, (topic) =>
    runClosedLoop(targetOf(cluster), produceLoad(topic, payload, ACKS_ALL), durationMs),
  );
}

async function produceBatches(cluster: Cluster, durationMs: number) {
  const { megabytes, seconds, cpuSeconds, residentMb, latenciesMs } = await produce(cluster, BATCHES, durationMs);
  const latencies = QUANTILES.map((share) => quantile(latenciesMs, share));
  return { values: [megabytes / seconds, (1_000 * cpuSeconds) / megabytes, ...latencies], residentMb };
}

/** What stands before any warm-up, once for every start. */
export const COLD: ClusterRow = {
  id: 'cold',
  work: 'produce 64 KB batches, the first 8 s after the start',
  measures: [{ name: 'throughput', unit: 'MB/s' }, { name: 'CPU of all three per MB', unit: 'ms' }, ...LATENCIES],
  run: produceBatches,
};

export const LOAD_ROWS: readonly ClusterRow[] = [
  {
    id: 'produce-64k',
    work: 'produce 64 KB batches',
    measures: [
      { name: 'throughput', unit: 'MB/s', atLeast: [1, 1.5] },
      { name: 'CPU of all three per MB', unit: 'ms', atMost: [1, 0.7] },
      ...LATENCIES,
    ],
    run: produceBatches,
  },
  {
    id: 'one-record',
    work: 'one 100 B record per request',
    measures: [
      { name: 'throughput', unit: 'requests/s', atLeast: [2, 3] },
      { name: 'CPU of all three per request', unit: 'µs' },
      ...LATENCIES,
    ],
    async run(cluster, durationMs) {
      const result = await produce(cluster, ONE_RECORD, durationMs);
      const { requests, seconds, cpuSeconds, residentMb, latenciesMs } = result;
      const latencies = QUANTILES.map((share) => quantile(latenciesMs, share));
      return { values: [requests / seconds, (1e6 * cpuSeconds) / requests, ...latencies], residentMb };
    },
  },
  {
    id: 'paced',
    work: `paced ${PACED_PER_SECOND.toLocaleString('en')} requests/s`,
    measures: [
      { name: 'p50', unit: 'ms' },
      { name: 'p99', unit: 'ms', atMost: [0.5, 0.25] },
      { name: 'p99.9', unit: 'ms' },
    ],
    run: (cluster, durationMs) =>
      withReplicatedTopic(cluster, ONE_RECORD, async (topic) => {
        const load = produceLoad(topic, ONE_RECORD, ACKS_ALL);
        const latenciesMs = await runPaced(targetOf(cluster), load, PACED_PER_SECOND, durationMs);
        return { values: [0.5, 0.99, 0.999].map((share) => quantile(latenciesMs, share)) };
      }),
  },
];
