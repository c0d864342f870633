/**
 * Load that always has the same number of requests in flight, on a few connections: how much a broker does at most.
 * What is counted lies between two moments of a run that goes on: neither the start nor the end of it.
 */

import { cpuSeconds, residentMb } from '../../peers/process-usage.ts';
import { RawConnection } from './raw-connection.ts';

export const CONNECTIONS = 3;
export const IN_FLIGHT = 5;
const LEAD_IN_SHARE = 0.2;
/** Keeps what lies unwritten in the page cache below what makes the kernel hold writers back. */
const MAX_ROUND_BYTES = 1.5e9;
const MAX_LATENCIES = 1_000_000;

/** Where a load goes, and whose CPU and memory are counted. */
export interface LoadTarget {
  /** Connection n goes to the n-th, from the first again behind the last. */
  readonly ports: readonly number[];
  readonly pids: readonly number[];
}

export interface Load {
  /** The next request of a connection. */
  next(connection: number): Buffer;
  /** Throws if the answer is not what it should be; returns the payload bytes that it stands for. */
  take(answerBytes: number, head: Buffer): number;
}

export interface LoadResult {
  readonly requests: number;
  readonly megabytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly residentMb: number;
  readonly latenciesMs: number[];
}

export async function runClosedLoop(target: LoadTarget, load: Load, durationMs: number): Promise<LoadResult> {
  const connections = await openConnections(target);
  try {
    return await drive(target, load, connections, durationMs);
  } finally {
    for (const connection of connections) connection.close();
  }
}

export function openConnections({ ports }: LoadTarget): Promise<RawConnection[]> {
  const opening = Array.from({ length: CONNECTIONS }, (_, index) => RawConnection.open(ports[index % ports.length]!));
  return Promise.all(opening);
}

function drive(
  target: LoadTarget,
  load: Load,
  connections: readonly RawConnection[],
  durationMs: number,
): Promise<LoadResult> {
  const beginMs = performance.now() + durationMs * LEAD_IN_SHARE;
  const endMs = beginMs + durationMs;
  const latenciesMs: number[] = [];
  let began: { cpu: number; ms: number } | undefined;
  let requests = 0;
  let bytes = 0;
  let allBytes = 0;
  return new Promise((done, fail) => {
    const finish = (nowMs: number, { cpu, ms }: { cpu: number; ms: number }): void => {
      for (const connection of connections) connection.onAnswer = () => {};
      done({
        requests,
        megabytes: bytes / 1e6,
        seconds: (nowMs - ms) / 1000,
        cpuSeconds: sumOf(target.pids, cpuSeconds) - cpu,
        residentMb: sumOf(target.pids, residentMb),
        latenciesMs,
      });
    };
    const take = (connection: number, answerBytes: number, head: Buffer, sentMs: number): void => {
      const nowMs = performance.now();
      const payloadBytes = load.take(answerBytes, head);
      allBytes += payloadBytes;
      if (began !== undefined) {
        requests++;
        bytes += payloadBytes;
        if (latenciesMs.length < MAX_LATENCIES) latenciesMs.push(nowMs - sentMs);
        if (nowMs >= endMs || allBytes > MAX_ROUND_BYTES) return finish(nowMs, began);
      } else if (nowMs >= beginMs || allBytes > MAX_ROUND_BYTES * LEAD_IN_SHARE) {
        began = { cpu: sumOf(target.pids, cpuSeconds), ms: nowMs };
      }
      connections[connection]!.send(load.next(connection));
    };
    connections.forEach((connection, index) => {
      connection.onBroken = fail;
      connection.onAnswer = (answerBytes, head, sentMs) => {
        try {
          take(index, answerBytes, head, sentMs);
        } catch (error) {
          fail(error);
        }
      };
      for (let count = 0; count < IN_FLIGHT; count++) connection.send(load.next(index));
    });
  });
}

const sumOf = (pids: readonly number[], of: (pid: number) => number): number =>
  pids.reduce((sum, pid) => sum + of(pid), 0);
