/**
 * A runtime without a world for the tests: virtual time, no jitter, and sockets whose other end the test holds.
 * Invariant: nothing happens but what the test does.
 */
import type { ClientFrame, ServerFrame } from '../frames.ts';
import type { Runtime, SocketEvents } from '../runtime.ts';

export interface FakeSocket {
  url: string;
  subprotocol: string;
  sent: (ClientFrame | Uint8Array)[];
  closed: boolean;
  open(): void;
  receive(...frames: (ServerFrame | Uint8Array)[]): void;
  drop(code: number, reason?: string): void;
  /** The frames of one type, in the order in which they were sent. */
  all<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[];
}

export interface FakeWorld {
  runtime: Runtime;
  sockets: FakeSocket[];
  /** The newest one. */
  readonly socket: FakeSocket;
  /** Lets promises settle, then time pass. */
  pass(delayMs: number): Promise<void>;
}

export function createFakeWorld(): FakeWorld {
  let nowMs = 1_000_000;
  const timers: { at: number; run: () => void }[] = [];
  const sockets: FakeSocket[] = [];
  const runtime: Runtime = {
    now: () => nowMs,
    random: () => 0.5,
    timer(delayMs, run) {
      const timer = { at: nowMs + delayMs, run };
      timers.push(timer);
      return { cancel: () => void timers.splice(0, timers.length, ...timers.filter((other) => other !== timer)) };
    },
    socket(url, subprotocol, events) {
      const socket = fakeSocket(url, subprotocol, events);
      sockets.push(socket);
      return {
        send: (data) => socket.sent.push(typeof data === 'string' ? (JSON.parse(data) as ClientFrame) : data),
        close: () => void (socket.closed = true),
      };
    },
  };
  const pass = async (delayMs: number): Promise<void> => {
    await settled();
    const until = nowMs + delayMs;
    for (;;) {
      const due = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      timers.splice(timers.indexOf(due), 1);
      nowMs = due.at;
      due.run();
      await settled();
    }
    nowMs = until;
  };
  return {
    runtime,
    sockets,
    pass,
    get socket() {
      return sockets.at(-1) as FakeSocket;
    },
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 300; turn += 1) await Promise.resolve();
}

function fakeSocket(url: string, subprotocol: string, events: SocketEvents): FakeSocket {
  const sent: FakeSocket['sent'] = [];
  return {
    url,
    subprotocol,
    sent,
    closed: false,
    open: () => events.opened(),
    receive: (...frames) => {
      for (const frame of frames) events.received(frame instanceof Uint8Array ? frame : JSON.stringify(frame));
    },
    drop: (code, reason = '') => events.closed(code, reason),
    all: <T extends ClientFrame['type']>(type: T) =>
      sent.filter((frame) => !(frame instanceof Uint8Array) && frame.type === type) as Extract<
        ClientFrame,
        { type: T }
      >[],
  };
}

export const WELCOME = {
  type: 'welcome' as const,
  region: 'eu-west',
  tenant: 'acme',
  subject: 'alice',
  expiresAt: 10_000_000,
  limits: {
    maxFrameBytes: 1_048_576,
    maxSubscriptions: 10,
    maxInFlightPublishes: 100,
    maxCreditMessages: 100,
    maxCreditBytes: 100_000,
    cursorEveryMs: 1_000,
    cursorEveryMessages: 1_000,
    idleTimeoutMs: 60_000,
  },
};

/** Where all the tests' records were born. */
export const ORIGIN = { region: 'us-east', topicId: '00000000-0000-0000-0000-00000000000a', partition: 0 };
