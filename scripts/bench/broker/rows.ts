/** What is measured, in the order of the table, and what is asked of each ratio (Meridian to Apache Kafka). */
import { quantile } from '../quantiles.ts';
import type { Measure } from '../ratio-table.ts';
import type { LoadResult } from './closed-loop.ts';
import type { Contestant } from './contestant.ts';
import { type FetchRound, fetchRound } from './fetch-load.ts';
import { APPENDS_PER_SECOND, longPollRound } from './long-poll-load.ts';
import { PACED_PER_SECOND, pacedRound } from './paced-load.ts';
import { payloadOf } from './payloads.ts';
import { produceRound } from './produce-load.ts';

export interface Row {
  /** For `--only`. */
  readonly id: string;
  readonly work: string;
  readonly measures: readonly Measure[];
  /** One value for each measure; the last one of all is resident memory, for the memory row, or NaN. */
  run(contestant: Contestant, durationMs: number): Promise<{ values: number[]; residentMb?: number }>;
}

const RECORD_BYTES = 100;
const SMALL_BATCHES = payloadOf(RECORD_BYTES, 65_536);
const LARGE_BATCHES = payloadOf(1_024, 262_144);
const ONE_RECORD = payloadOf(RECORD_BYTES, 0);
const TEN_RECORDS = payloadOf(RECORD_BYTES, 1_170);

const LATENCIES: Measure[] = [
  { name: 'p50', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
];

const latencies = (result: LoadResult): number[] => [0.5, 0.99].map((share) => quantile(result.latenciesMs, share));
const perMegabyte = (result: LoadResult): number[] => [
  result.megabytes / result.seconds,
  (1000 * result.cpuSeconds) / result.megabytes,
  ...latencies(result),
];

function produceRow(id: string, work: string, acks: number): Row {
  return {
    id,
    work,
    measures: [
      { name: 'throughput', unit: 'MB/s', atLeast: [1, 1.3] },
      { name: 'CPU per MB', unit: 'ms', atMost: [1, 0.7] },
      ...LATENCIES,
    ],
    run: async (contestant, durationMs) => {
      const result = await produceRound(contestant, SMALL_BATCHES, acks, durationMs);
      return { values: perMegabyte(result), residentMb: result.residentMb };
    },
  };
}

function fetchRow(id: string, work: string, round: FetchRound): Row {
  return {
    id,
    work,
    measures: [
      { name: 'throughput', unit: 'MB/s', atLeast: [0.8, 1.1] },
      { name: 'CPU per MB', unit: 'ms' },
      ...LATENCIES,
    ],
    run: async (contestant, durationMs) => {
      const result = await fetchRound(contestant, SMALL_BATCHES, round, durationMs);
      return { values: perMegabyte(result), residentMb: result.residentMb };
    },
  };
}

export const ROWS: readonly Row[] = [
  produceRow('produce-64k-1', 'produce 64 KB batches, acks=1', 1),
  produceRow('produce-64k-all', 'produce 64 KB batches, acks=all', -1),
  {
    id: 'produce-256k',
    work: 'produce 256 KB batches of 1 KiB records, acks=all',
    measures: [
      { name: 'throughput', unit: 'MB/s', atLeast: [0.8, 1.1] },
      { name: 'CPU per MB', unit: 'ms' },
      ...LATENCIES,
    ],
    run: async (contestant, durationMs) => {
      const result = await produceRound(contestant, LARGE_BATCHES, -1, durationMs);
      return { values: perMegabyte(result), residentMb: result.residentMb };
    },
  },
  {
    id: 'one-record',
    work: 'one 100 B record per request, acks=all',
    measures: [
      { name: 'throughput', unit: 'requests/s', atLeast: [2, 3] },
      { name: 'CPU per request', unit: 'µs' },
      ...LATENCIES,
    ],
    run: async (contestant, durationMs) => {
      const result = await produceRound(contestant, ONE_RECORD, -1, durationMs);
      const values = [result.requests / result.seconds, (1e6 * result.cpuSeconds) / result.requests];
      return { values: [...values, ...latencies(result)], residentMb: result.residentMb };
    },
  },
  fetchRow('fetch-1m-tail', 'fetch 1 MiB at the tail', { from: 'tail', maxBytes: 1_048_576 }),
  fetchRow('fetch-64k-tail', 'fetch 64 KiB at the tail', { from: 'tail', maxBytes: 65_536 }),
  fetchRow('fetch-1m-cold', 'fetch 1 MiB from sealed segments', { from: 'sealed', maxBytes: 1_048_576 }),
  fetchRow('fetch-64k-cold', 'fetch 64 KiB from sealed segments', { from: 'sealed', maxBytes: 65_536 }),
  {
    id: 'paced',
    work: `paced ${PACED_PER_SECOND} requests/s, acks=all`,
    measures: [
      { name: 'p50', unit: 'ms' },
      { name: 'p99', unit: 'ms', atMost: [0.5, 0.25] },
      { name: 'p99.9', unit: 'ms' },
    ],
    run: async (contestant, durationMs) => {
      const latenciesMs = await pacedRound(contestant, ONE_RECORD, durationMs);
      return { values: [0.5, 0.99, 0.999].map((share) => quantile(latenciesMs, share)) };
    },
  },
  {
    id: 'long-poll',
    work: `1,000 consumers in long polls on one topic, ${APPENDS_PER_SECOND} appends/s of 10 records`,
    measures: [
      { name: 'deliveries per CPU second', unit: '', atLeast: [1, 2] },
      { name: 'deliveries', unit: '/s' },
    ],
    run: async (contestant, durationMs) => {
      const { deliveries, cpuSeconds } = await longPollRound(contestant, TEN_RECORDS, durationMs);
      return { values: [deliveries / cpuSeconds, (1000 * deliveries) / durationMs] };
    },
  },
];
