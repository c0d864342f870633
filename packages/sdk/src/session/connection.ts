/**
 * The connection's part of the session machine: token, handshake, ping, back-off and fail-over over the URLs.
 * Called by `session.ts` before the other parts, which see from `phase` what became of the connection.
 * Invariant: at most one socket is wanted at a time, and a dead one is noticed within ping interval + pong timeout.
 */
import { MeridianError } from '../errors.ts';
import { CLOSE_CODES, type ErrorFrame, type WelcomeFrame } from '../frames.ts';
import { LIMITS } from '../limits.ts';
import type { ConnectionState, Effect, Input } from './inputs-effects.ts';
import type { Session } from './session.ts';

export interface Connection {
  phase: ConnectionState;
  token: string | undefined;
  /** The token came for this very try; one that is refused all the same will not get better. */
  tokenIsNew: boolean;
  urlIndex: number;
  /** Tries since the last welcome. */
  tries: number;
  everConnected: boolean;
  /** Frames have come since the last ping. */
  heard: boolean;
  /** From a `drain` frame: come back after this. */
  drainDelayMs: number | undefined;
  /** The last error that the gateway told before it closed. */
  lastError: ErrorFrame | undefined;
  /** The publishing session to go on with. */
  publishSession: string | undefined;
  /** Why the machine failed. */
  failure: MeridianError | undefined;
}

export function newConnection(): Connection {
  return {
    phase: 'initialized',
    token: undefined,
    tokenIsNew: false,
    urlIndex: 0,
    tries: 0,
    everConnected: false,
    heard: false,
    drainDelayMs: undefined,
    lastError: undefined,
    publishSession: undefined,
    failure: undefined,
  };
}

const isOver = (phase: ConnectionState): boolean => phase === 'closed' || phase === 'failed';

export function stepConnection(session: Session, input: Input, now: number, effects: Effect[]): void {
  const { connection } = session;
  if (isOver(connection.phase)) return;
  switch (input.type) {
    case 'close':
      effects.push({ type: 'close-socket', code: CLOSE_CODES.normal, reason: 'closed by the client' });
      return end(session, 'closed', new MeridianError('closed', ''), effects);
    case 'start':
      effects.push({ type: 'arm', timer: 'connect-limit', delayMs: session.options.connectTimeoutMs, jitterMs: 0 });
      return beginTry(session, effects);
    case 'token':
      return takeToken(session, input.token, effects);
    case 'token-failed':
      return missToken(session, input.message, effects);
    case 'opened':
      return sendConnect(session, effects);
    case 'frame':
      connection.heard = true;
      if (input.frame.type === 'welcome') welcome(session, input.frame, now, effects);
      else if (input.frame.type === 'drain') connection.drainDelayMs = input.frame.delayMs;
      else if (input.frame.type === 'error' && input.frame.id === undefined) connection.lastError = input.frame;
      return;
    case 'batch':
      connection.heard = true;
      return;
    case 'violation':
      effects.push({ type: 'close-socket', code: CLOSE_CODES.normal, reason: 'protocol violation' });
      return lose(session, CLOSE_CODES.normal, input.message, effects);
    case 'socket-closed':
      return lose(session, input.code, input.reason, effects);
    case 'timer':
      return onTimer(session, input.timer, effects);
  }
}

/** Gives the publishing session up: its producer id cannot go on. Comes back at once, with a new one. */
export function reconnectWithoutSession(session: Session, effects: Effect[]): void {
  session.connection.publishSession = undefined;
  effects.push({ type: 'close-socket', code: CLOSE_CODES.normal, reason: 'new publishing session' });
  lose(session, CLOSE_CODES.normal, 'new publishing session', effects);
}

function beginTry(session: Session, effects: Effect[]): void {
  setPhase(session, 'connecting', currentUrl(session), effects);
  session.connection.lastError = undefined;
  effects.push({ type: 'arm', timer: 'handshake', delayMs: LIMITS.handshakeTimeoutMs, jitterMs: 0 });
  effects.push(
    session.connection.token === undefined ? { type: 'get-token' } : { type: 'open', url: currentUrl(session) },
  );
}

function takeToken(session: Session, token: string, effects: Effect[]): void {
  session.connection.token = token;
  session.connection.tokenIsNew = true;
  if (session.connection.phase === 'connecting') effects.push({ type: 'open', url: currentUrl(session) });
  if (session.connection.phase === 'connected') sendConnect(session, effects);
}

function missToken(session: Session, message: string, effects: Effect[]): void {
  const { phase } = session.connection;
  if (phase === 'connecting') lose(session, CLOSE_CODES.tokenExpired, `no token: ${message}`, effects);
  if (phase === 'connected') effects.push({ type: 'arm', timer: 'refresh', delayMs: LIMITS.tokenRetryMs, jitterMs: 0 });
}

function sendConnect({ connection, options }: Session, effects: Effect[]): void {
  const { token, publishSession } = connection;
  const frame = { type: 'connect' as const, client: options.client, ...(token === undefined ? {} : { token }) };
  effects.push({ type: 'send', frame: publishSession === undefined ? frame : { ...frame, session: publishSession } });
}

function welcome(session: Session, frame: WelcomeFrame, now: number, effects: Effect[]): void {
  const { connection } = session;
  session.limits = frame.limits;
  session.region = frame.region;
  if (session.options.tokenIsRefreshed) {
    const lifeMs = Math.max(0, frame.expiresAt - now);
    const delayMs = Math.max(LIMITS.tokenRetryMs, lifeMs - Math.min(LIMITS.tokenRefreshMarginMs, lifeMs / 2));
    effects.push({ type: 'arm', timer: 'refresh', delayMs, jitterMs: 0 });
  }
  if (connection.phase === 'connected') return; // the answer to a refreshed token
  connection.tries = 0;
  connection.tokenIsNew = false;
  connection.everConnected = true;
  effects.push({ type: 'disarm', timer: 'handshake' }, { type: 'disarm', timer: 'connect-limit' });
  armPing(session, effects);
  setPhase(session, 'connected', `${frame.region} ${currentUrl(session)}`, effects);
}

function onTimer(session: Session, timer: string, effects: Effect[]): void {
  const { connection } = session;
  if (timer === 'handshake' && connection.phase === 'connecting') abandon(session, 'no welcome in time', effects);
  else if (timer === 'reconnect' && connection.phase === 'waiting') beginTry(session, effects);
  else if (timer === 'refresh' && connection.phase === 'connected') effects.push({ type: 'get-token' });
  else if (timer === 'ping' && connection.phase === 'connected') ping(session, effects);
  else if (timer === 'pong' && connection.phase === 'connected') {
    if (connection.heard) armPing(session, effects);
    else abandon(session, 'no pong in time', effects);
  } else if (timer === 'connect-limit' && !connection.everConnected) {
    effects.push({ type: 'close-socket', code: CLOSE_CODES.normal, reason: 'gave up' });
    end(session, 'failed', new MeridianError('not-connected', session.options.urls.join(' '), true), effects);
  }
}

function ping(session: Session, effects: Effect[]): void {
  session.connection.heard = false;
  session.lastRequestId += 2;
  effects.push({ type: 'send', frame: { type: 'ping', id: session.lastRequestId } });
  effects.push({ type: 'arm', timer: 'pong', delayMs: LIMITS.pongTimeoutMs, jitterMs: 0 });
}

function armPing(session: Session, effects: Effect[]): void {
  const delayMs = Math.min((session.limits?.idleTimeoutMs ?? LIMITS.maxPingEveryMs) / 3, LIMITS.maxPingEveryMs);
  effects.push({ type: 'arm', timer: 'ping', delayMs, jitterMs: 0 });
}

function abandon(session: Session, why: string, effects: Effect[]): void {
  effects.push({ type: 'close-socket', code: CLOSE_CODES.normal, reason: why });
  lose(session, CLOSE_CODES.noPong, why, effects);
}

/**
 * The socket is gone: for good (codes 4000–4099, or a bad token and no way to another), or until the back-off is over.
 */
function lose(session: Session, code: number, why: string, effects: Effect[]): void {
  const { connection, options } = session;
  if (connection.phase !== 'connecting' && connection.phase !== 'connected') return;
  for (const timer of ['handshake', 'ping', 'pong', 'refresh'] as const) effects.push({ type: 'disarm', timer });
  const tokenIsBad = code === CLOSE_CODES.tokenExpired || code === CLOSE_CODES.invalidToken;
  const getsAnother = tokenIsBad && options.tokenIsRefreshed && !(code < 4100 && connection.tokenIsNew);
  if (!getsAnother && (tokenIsBad || (code >= 4000 && code < 4100))) {
    const told =
      connection.lastError === undefined ? why : `${connection.lastError.code}: ${connection.lastError.message}`;
    return end(session, 'failed', new MeridianError('refused', `close code ${code} ${told}`.trim()), effects);
  }
  if (getsAnother) connection.token = undefined;
  const wasConnected = connection.phase === 'connected';
  if (!wasConnected) connection.urlIndex = (connection.urlIndex + 1) % options.urls.length;
  effects.push({ type: 'arm', timer: 'reconnect', ...backoff(session, wasConnected) });
  connection.drainDelayMs = undefined;
  connection.tries += 1;
  setPhase(session, 'waiting', `${code} ${why}`.trim(), effects);
}

/** Full jitter; a drained gateway's own wish comes first. One round of tries, one URL each, has the same bound. */
function backoff(session: Session, wasConnected: boolean): { delayMs: number; jitterMs: number } {
  const { tries, drainDelayMs } = session.connection;
  if (wasConnected && drainDelayMs !== undefined) return { delayMs: drainDelayMs, jitterMs: LIMITS.backoffBaseMs };
  const round = Math.floor(tries / session.options.urls.length);
  return { delayMs: 0, jitterMs: Math.min(LIMITS.backoffMaxMs, LIMITS.backoffBaseMs * 2 ** Math.min(round, 16)) };
}

function end(session: Session, phase: 'closed' | 'failed', error: MeridianError, effects: Effect[]): void {
  session.connection.failure = error;
  for (const timer of [
    'handshake',
    'reconnect',
    'ping',
    'pong',
    'refresh',
    'connect-limit',
    'sweep',
    'gather',
  ] as const) {
    effects.push({ type: 'disarm', timer });
  }
  setPhase(session, phase, error.message, effects);
}

function setPhase(session: Session, phase: ConnectionState, detail: string, effects: Effect[]): void {
  session.connection.phase = phase;
  effects.push({ type: 'state', state: phase, detail });
}

const currentUrl = ({ connection, options }: Session): string => options.urls[connection.urlIndex] as string;
