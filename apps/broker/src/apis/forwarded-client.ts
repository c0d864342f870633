/**
 * Who a forwarded request is from, as it stands in an envelope: Kafka's default principal, whose name tells the listener
 * that it came in on, and the client's address. Written by `forwarding.ts`, read by `58-envelope.ts`.
 * Invariant: whatever cannot be read gives undefined, and no name but our own makes a request an internal one.
 */
import { DefaultPrincipalData, decodeMessage, encodeMessage, ProtocolError } from '@meridian/protocol';
import type { ListenerName } from './handler.ts';

const VERSION = 0;
const VERSION_BYTES = 2;
const USER = 'User';
/** Kafka's name for who has proved nothing. */
const ANONYMOUS = 'ANONYMOUS';
const INTERNAL = 'internal';
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

export function principalOf(listener: ListenerName): Buffer {
  const name = listener === 'internal' ? INTERNAL : ANONYMOUS;
  const data = encodeMessage(DefaultPrincipalData, VERSION, { type: USER, name, tokenAuthenticated: false });
  return Buffer.concat([Buffer.alloc(VERSION_BYTES), data]);
}

export function listenerOf(principal: Buffer | null): ListenerName | undefined {
  if (principal === null || principal.length < VERSION_BYTES || principal.readInt16BE(0) !== VERSION) return undefined;
  try {
    const { type, name } = decodeMessage(DefaultPrincipalData, VERSION, principal, VERSION_BYTES);
    return type === USER && name === INTERNAL ? 'internal' : 'client';
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** As Java's `InetAddress.getAddress`; what is no address of either kind becomes 0.0.0.0. */
export function addressBytes(text: string): Buffer {
  const plain = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(text);
  if (plain !== null) return Buffer.from(plain.slice(1).map(Number));
  if (!/^[\da-f:]+$/i.test(text) || !text.includes(':')) return Buffer.alloc(IPV4_BYTES);
  return ipv6Bytes(text);
}

const GROUPS = 8;

/** Groups before `::`, zeros, and groups behind it. */
function ipv6Bytes(text: string): Buffer {
  const [head = [], tail = []] = text.split('::').map(groupsOf);
  const zeros: number[] = Array(Math.max(0, GROUPS - head.length - tail.length)).fill(0);
  const groups = [...head, ...zeros, ...tail].slice(0, GROUPS);
  return Buffer.from(groups.flatMap((group) => [group >> 8, group]));
}

function groupsOf(part: string): number[] {
  return part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16) & 0xffff);
}

export function addressText(bytes: Buffer): string | undefined {
  if (bytes.length === IPV4_BYTES) return bytes.join('.');
  if (bytes.length !== IPV6_BYTES) return undefined;
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':');
}
