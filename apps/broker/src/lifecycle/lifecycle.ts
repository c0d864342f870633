/**
 * A broker's life in its cluster as a machine: what it asks of the active controller, and when. Stepped by
 * `BrokerLifecycle`.
 *
 *   registering ──epoch──▶ fenced ◀──▶ running ──stop──▶ leaving ──may stop, or given up──▶ ended
 *        ▲                   │            │
 *        └── epoch is stale, or the broker was unregistered
 *
 * Invariant: one request is out at a time, and while none is, a timer is armed, until it has ended.
 */
import { ERROR } from '@meridian/protocol';
import { LIFECYCLE_LIMITS } from './limits.ts';

export type Phase = 'registering' | 'fenced' | 'running' | 'leaving' | 'ended';

export interface Lifecycle {
  phase: Phase;
  /** −1 until it has registered. */
  brokerEpoch: number;
  /** Log dirs and listeners are there: it may be unfenced. */
  isReady: boolean;
  readonly heartbeatIntervalMs: number;
  /** By then it must have registered for the first time. */
  registerUntilMs: number;
  isAsking: boolean;
  /** Something has changed while a request was out: the next one follows at once. */
  isUrgent: boolean;
  /** In a row. */
  failures: number;
  /** Heartbeats in a row that left it fenced though it is ready. */
  fencedBeats: number;
}

export type LifecycleInput =
  | { readonly kind: 'start' }
  /** The timer has run out. */
  | { readonly kind: 'due' }
  | { readonly kind: 'ready' }
  /** The controller should hear something now: a log dir has failed, the metadata has come on. */
  | { readonly kind: 'news' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'registered'; readonly errorCode: number; readonly brokerEpoch: number }
  | {
      readonly kind: 'beaten';
      readonly errorCode: number;
      readonly isFenced: boolean;
      readonly shouldShutDown: boolean;
    }
  /** No answer. */
  | { readonly kind: 'failed' };

export type LifecycleEffect =
  | { readonly kind: 'register' }
  | { readonly kind: 'heartbeat'; readonly wantFence: boolean; readonly wantShutDown: boolean }
  | { readonly kind: 'arm'; readonly delayMs: number }
  /** It has moved to another phase. */
  | { readonly kind: 'entered'; readonly phase: Phase }
  /** It cannot be a broker of this cluster: Kafka's code, or none if nobody has answered. */
  | { readonly kind: 'refused'; readonly errorCode: number };

export function createLifecycle(heartbeatIntervalMs: number, registerUntilMs: number): Lifecycle {
  return {
    phase: 'registering',
    brokerEpoch: -1,
    isReady: false,
    heartbeatIntervalMs,
    registerUntilMs,
    isAsking: false,
    isUrgent: false,
    failures: 0,
    fencedBeats: 0,
  };
}

/** Nothing that is tried again mends these. */
const FINAL: ReadonlySet<number> = new Set([
  ERROR.INCONSISTENT_CLUSTER_ID,
  ERROR.UNSUPPORTED_VERSION,
  ERROR.INVALID_REGISTRATION,
]);
const UNKNOWN_TO_CONTROLLER: ReadonlySet<number> = new Set([ERROR.STALE_BROKER_EPOCH, ERROR.BROKER_ID_NOT_REGISTERED]);

export function stepLifecycle(life: Lifecycle, input: LifecycleInput, nowMs: number): LifecycleEffect[] {
  if (life.phase === 'ended') return [];
  switch (input.kind) {
    case 'start':
    case 'due':
      return ask(life);
    case 'ready':
      life.isReady = true;
      return askNow(life);
    case 'news':
      return life.phase === 'registering' ? [] : askNow(life);
    case 'stop':
      return stop(life);
    case 'registered':
      return registered(life, input, nowMs);
    case 'beaten':
      return beaten(life, input);
    case 'failed':
      return failed(life, nowMs);
  }
}

function ask(life: Lifecycle): LifecycleEffect[] {
  if (life.isAsking) return [];
  life.isAsking = true;
  life.isUrgent = false;
  if (life.phase === 'registering') return [{ kind: 'register' }];
  const wantShutDown = life.phase === 'leaving';
  return [{ kind: 'heartbeat', wantFence: !life.isReady, wantShutDown }];
}

function askNow(life: Lifecycle): LifecycleEffect[] {
  if (life.isAsking) life.isUrgent = true;
  return ask(life);
}

/** Whoever has never been unfenced leads nothing, and may go. */
function stop(life: Lifecycle): LifecycleEffect[] {
  if (life.phase !== 'running') return enter(life, 'ended');
  return [...enter(life, 'leaving'), ...askNow(life)];
}

function enter(life: Lifecycle, phase: Phase): LifecycleEffect[] {
  if (life.phase === phase) return [];
  life.phase = phase;
  life.failures = 0;
  life.fencedBeats = 0;
  return [{ kind: 'entered', phase }];
}

function registered(
  life: Lifecycle,
  { errorCode, brokerEpoch }: { readonly errorCode: number; readonly brokerEpoch: number },
  nowMs: number,
): LifecycleEffect[] {
  const isFirst = life.brokerEpoch === -1;
  if (errorCode !== ERROR.NONE) {
    if (isFirst && FINAL.has(errorCode)) return [{ kind: 'refused', errorCode }, ...enter(life, 'ended')];
    return failed(life, nowMs, errorCode);
  }
  life.isAsking = false;
  life.brokerEpoch = brokerEpoch;
  const moved = enter(life, 'fenced');
  // A broker that is alone may be unfenced already: it must not ask to be fenced.
  return life.isReady ? [...moved, ...ask(life)] : [...moved, { kind: 'arm', delayMs: life.heartbeatIntervalMs }];
}

function beaten(
  life: Lifecycle,
  answer: { readonly errorCode: number; readonly isFenced: boolean; readonly shouldShutDown: boolean },
): LifecycleEffect[] {
  if (answer.errorCode !== ERROR.NONE) {
    if (!UNKNOWN_TO_CONTROLLER.has(answer.errorCode)) return failed(life, 0);
    life.isAsking = false;
    // It is no broker of the cluster any more, so it leads nothing.
    if (life.phase === 'leaving') return enter(life, 'ended');
    return [...enter(life, 'registering'), ...ask(life)];
  }
  life.isAsking = false;
  life.failures = 0;
  if (life.phase === 'leaving')
    return answer.shouldShutDown ? enter(life, 'ended') : next(life, LIFECYCLE_LIMITS.shutdownEveryMs);
  const moved = enter(life, answer.isFenced ? 'fenced' : 'running');
  return [...moved, ...next(life, answer.isFenced && life.isReady ? soon(life) : life.heartbeatIntervalMs)];
}

/** For as long as it takes until its metadata has come far enough. */
function soon(life: Lifecycle): number {
  const { fencedBaseMs, fencedCapMs } = LIFECYCLE_LIMITS;
  return Math.min(fencedBaseMs * 2 ** Math.min(life.fencedBeats++, 20), fencedCapMs, life.heartbeatIntervalMs);
}

function next(life: Lifecycle, delayMs: number): LifecycleEffect[] {
  return life.isUrgent ? ask(life) : [{ kind: 'arm', delayMs }];
}

function failed(life: Lifecycle, nowMs: number, errorCode: number = ERROR.NONE): LifecycleEffect[] {
  life.isAsking = false;
  life.isUrgent = false;
  life.failures++;
  if (life.phase === 'leaving') return enter(life, 'ended');
  if (life.brokerEpoch === -1 && nowMs >= life.registerUntilMs) {
    return [{ kind: 'refused', errorCode }, ...enter(life, 'ended')];
  }
  const { retryBaseMs, retryCapMs } = LIFECYCLE_LIMITS;
  return [{ kind: 'arm', delayMs: Math.min(retryBaseMs * 2 ** Math.min(life.failures - 1, 20), retryCapMs) }];
}
