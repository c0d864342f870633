/**
 * A gateway core in a simulated world, over brokers in memory, with clients that record what they are sent. For the
 * gateway's tests.
 * Invariant: tokens are plain texts `<tenant> <subject> <expiresInMs> <allow;allow>`; nothing else is let in.
 */
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import type { ServerFrame } from '@meridian/sdk/frames';
import { type KeyRing, keyRingText, parseKeyRing, parsePermissions, TenancyError } from '@meridian/tenancy';
import type { WireFrame } from '../delivery/wire-frame.ts';
import { GatewayCore } from '../gateway-core.ts';
import type { GatewaySocket } from '../session/gateway-socket.ts';
import { MemoryBroker } from './memory-broker.ts';

export const ALL = 'acme alice 600000 *:read,write';
const PLENTY = { messages: 1_000_000, bytes: 100_000_000 };

export interface Harness {
  readonly world: SimWorld;
  readonly broker: MemoryBroker;
  readonly core: GatewayCore;
  readonly keys: KeyRing;
  client(protocol?: GatewaySocket['protocol']): TestClient;
  /** A client that is connected already. */
  open(token?: string, protocol?: GatewaySocket['protocol']): Promise<TestClient>;
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>;
}

export function createHarness(region = 'eu-west', regions: readonly string[] = ['us-east', 'eu-west']): Harness {
  const world = createSimWorld({ seed: 7 });
  const io = world.node(region).boot();
  const broker = new MemoryBroker(io.timers, region);
  const keys = parseKeyRing(keyRingText(Buffer.alloc(32, 9)));
  const verifier = { verify: async (token: string) => principalOf(token, io.clock.now()) };
  const core = new GatewayCore({ io, log: silentLogger, region, regions, broker, verifier, keys });
  const pass = (ms: number): Promise<void> => world.run(world.now() + ms);
  const client = (protocol?: GatewaySocket['protocol']): TestClient => {
    const created = new TestClient(protocol ?? 'meridian.v1.json');
    core.accept(created);
    return created;
  };
  return {
    world,
    broker,
    core,
    keys,
    client,
    pass,
    async open(token = ALL, protocol) {
      const created = client(protocol);
      created.say({ type: 'connect', token });
      await pass(5);
      return created;
    },
  };
}

function principalOf(token: string, nowMs: number) {
  const [tenant, subject, expiresInMs, allow] = token.split(' ');
  if (tenant === undefined || subject === undefined || allow === undefined)
    throw new TenancyError('bad-token', 'token');
  return { tenant, subject, expiresAtMs: nowMs + Number(expiresInMs), permissions: parsePermissions(allow.split(';')) };
}

/** A client's end and the gateway's socket in one. */
export class TestClient implements GatewaySocket {
  readonly protocol: GatewaySocket['protocol'];
  readonly frames: ServerFrame[] = [];
  /** Frames as they were handed to the socket: the same object means the same bytes. */
  readonly shared: WireFrame[] = [];
  closed: { code: number; reason: string } | undefined;
  bufferedBytes = 0;
  pings = 0;
  isPaused = false;
  onMessage: GatewaySocket['onMessage'] = () => undefined;
  onHeard: GatewaySocket['onHeard'] = () => undefined;
  onDrain: GatewaySocket['onDrain'] = () => undefined;
  onClose: GatewaySocket['onClose'] = () => undefined;

  constructor(protocol: GatewaySocket['protocol']) {
    this.protocol = protocol;
  }

  say(frame: object | string): void {
    this.onMessage(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
  }

  sayBinary(bytes: Uint8Array): void {
    this.onMessage(Buffer.from(bytes), true);
  }

  subscribe(topic: string, extra: object = {}): void {
    this.say({ type: 'subscribe', id: 1, topic, from: 'earliest', credits: PLENTY, ...extra });
  }

  of<T extends ServerFrame['type']>(type: T): Extract<ServerFrame, { type: T }>[] {
    return this.frames.filter((frame) => frame.type === type) as Extract<ServerFrame, { type: T }>[];
  }

  /** Text of every value delivered, in order. */
  values(): string[] {
    return this.of('messages').flatMap((frame) =>
      frame.records.map(({ value }) => (value !== null && 'text' in value ? value.text : JSON.stringify(value))),
    );
  }

  last<T extends ServerFrame['type']>(type: T): Extract<ServerFrame, { type: T }> {
    const found = this.of(type).at(-1);
    if (found === undefined) throw new Error(`no ${type} among ${JSON.stringify(this.frames)}`);
    return found;
  }

  sendText(text: string): void {
    this.frames.push(JSON.parse(text));
  }

  sendShared(frame: WireFrame): void {
    this.shared.push(frame);
    if (!frame.binary) this.frames.push(JSON.parse(frame.payload().toString('utf8')));
  }

  ping(): void {
    this.pings++;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
    this.onClose();
  }

  destroy(): void {
    this.close(1006, '');
  }
}
