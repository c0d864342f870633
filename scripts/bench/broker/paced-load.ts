/**
 * One small record a request at a fixed rate, whatever the answers do: how long an answer takes when a broker is far from
 * its limit. Requests leave once a millisecond, so that the generator sleeps in between.
 */
import { type Load, type LoadTarget, openConnections } from './closed-loop.ts';
import type { Contestant } from './contestant.ts';
import type { Payload } from './payloads.ts';
import { PARTITIONS, produceLoad } from './produce-load.ts';
import { MAX_CONNECTION_IN_FLIGHT, type RawConnection } from './raw-connection.ts';
import { withTopic } from './topic.ts';

export const PACED_PER_SECOND = 2_000;
const LEAD_IN_MS = 500;
const TICK_MS = 1;
const DRAIN_MS = 2_000;

export function pacedRound(contestant: Contestant, payload: Payload, durationMs: number): Promise<number[]> {
  return withTopic(contestant, { partitions: PARTITIONS, first: payload }, (topic) =>
    runPaced(contestant, produceLoad(topic, payload, -1), PACED_PER_SECOND, durationMs),
  );
}

/** The latencies in milliseconds, of the requests that were sent after a short lead-in. */
export async function runPaced(
  target: LoadTarget,
  load: Load,
  perSecond: number,
  durationMs: number,
): Promise<number[]> {
  const connections = await openConnections(target);
  try {
    return await pace(connections, load, perSecond, durationMs);
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function pace(
  connections: readonly RawConnection[],
  load: Load,
  perSecond: number,
  durationMs: number,
): Promise<number[]> {
  const latenciesMs: number[] = [];
  const beganMs = performance.now();
  const countFromMs = beganMs + LEAD_IN_MS;
  const endMs = countFromMs + durationMs;
  return new Promise((done, fail) => {
    for (const connection of connections) {
      connection.onBroken = fail;
      connection.onAnswer = (answerBytes, head, sentMs) => {
        load.take(answerBytes, head);
        if (sentMs >= countFromMs) latenciesMs.push(performance.now() - sentMs);
      };
    }
    let sent = 0;
    const tick = (): void => {
      const nowMs = performance.now();
      const due = Math.floor(((Math.min(nowMs, endMs) - beganMs) * perSecond) / 1000);
      while (sent < due) {
        const index = sent++ % connections.length;
        const connection = connections[index]!;
        if (connection.inFlight < MAX_CONNECTION_IN_FLIGHT) connection.send(load.next(index));
        else return fail(new Error(`${MAX_CONNECTION_IN_FLIGHT} requests of a connection are not answered`));
      }
      if (nowMs < endMs) setTimeout(tick, TICK_MS);
      else setTimeout(() => done(latenciesMs), idle(connections) ? 0 : DRAIN_MS);
    };
    tick();
  });
}

const idle = (connections: readonly RawConnection[]): boolean =>
  connections.every((connection) => connection.inFlight === 0);
