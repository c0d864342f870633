/**
 * One part of the local platform (a broker, a mirror, a gateway) as a machine: when it is started, given up,
 * started again, and killed. `supervisor.ts` performs the effects.
 *
 *   idle --start--> starting --ready--> running
 *   starting --exited, never ready before--> failed            starting --time--> killed, then as exited
 *   starting, running --exited--> waiting --time--> starting   (back-off doubles, a healthy run resets it)
 *   starting, running --stop--> stopping --exited--> stopped    stopping --time--> SIGKILL
 *   idle, waiting --stop--> stopped
 *
 * Invariant: there is at most one process at a time, and none once the part is stopped or failed.
 */
import { LIMITS } from '../limits.ts';

export type PartState = 'idle' | 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed';

export interface Part {
  state: PartState;
  wasReady: boolean;
  /** Deaths in a row. */
  deaths: number;
  startedAtMs: number;
}

export type PartInput =
  | { type: 'start' }
  | { type: 'ready' }
  | { type: 'exited'; how: string }
  | { type: 'time' }
  | { type: 'stop' };

export type PartEffect =
  | { type: 'spawn' }
  | { type: 'signal'; signal: 'SIGTERM' | 'SIGKILL' }
  /** Replaces the part's one timer. */
  | { type: 'arm'; delayMs: number }
  | { type: 'disarm' }
  | { type: 'tell'; level: 'info' | 'warn' | 'error'; message: string };

export function newPart(): Part {
  return { state: 'idle', wasReady: false, deaths: 0, startedAtMs: 0 };
}

export function stepPart(part: Part, input: PartInput, now: number): PartEffect[] {
  switch (input.type) {
    case 'start':
      return part.state === 'idle' ? spawn(part, now) : [];
    case 'ready':
      return part.state === 'starting' ? becomeReady(part) : [];
    case 'exited':
      return exited(part, input.how, now);
    case 'time':
      return onTime(part, now);
    case 'stop':
      return stop(part);
  }
}

function spawn(part: Part, now: number): PartEffect[] {
  part.state = 'starting';
  part.startedAtMs = now;
  return [{ type: 'spawn' }, { type: 'arm', delayMs: LIMITS.readyTimeoutMs }];
}

function becomeReady(part: Part): PartEffect[] {
  const again = part.wasReady;
  part.state = 'running';
  part.wasReady = true;
  const tell: PartEffect[] = again ? [{ type: 'tell', level: 'warn', message: 'runs again' }] : [];
  return [{ type: 'disarm' }, ...tell];
}

function exited(part: Part, how: string, now: number): PartEffect[] {
  if (part.state === 'stopping') {
    part.state = 'stopped';
    return [{ type: 'disarm' }];
  }
  if (part.state !== 'starting' && part.state !== 'running') return [];
  if (!part.wasReady) {
    part.state = 'failed';
    return [{ type: 'disarm' }, { type: 'tell', level: 'error', message: `did not start (${how})` }];
  }
  if (part.state === 'running' && now - part.startedAtMs >= LIMITS.healthyAfterMs) part.deaths = 0;
  const delayMs = Math.min(LIMITS.restartMaxMs, LIMITS.restartMinMs * 2 ** Math.min(part.deaths, 20));
  part.deaths += 1;
  part.state = 'waiting';
  const message = `died (${how}), is started again in ${delayMs} ms`;
  return [
    { type: 'tell', level: 'warn', message },
    { type: 'arm', delayMs },
  ];
}

function onTime(part: Part, now: number): PartEffect[] {
  if (part.state === 'waiting') return spawn(part, now);
  if (part.state !== 'starting' && part.state !== 'stopping') return [];
  const what = part.state === 'starting' ? 'become ready' : 'stop';
  return [
    { type: 'tell', level: 'error', message: `did not ${what} in time, is killed` },
    { type: 'signal', signal: 'SIGKILL' },
  ];
}

function stop(part: Part): PartEffect[] {
  if (part.state === 'starting' || part.state === 'running') {
    part.state = 'stopping';
    return [
      { type: 'signal', signal: 'SIGTERM' },
      { type: 'arm', delayMs: LIMITS.stopTimeoutMs },
    ];
  }
  if (part.state === 'idle' || part.state === 'waiting') part.state = 'stopped';
  return part.state === 'stopped' ? [{ type: 'disarm' }] : [];
}
