/**
 * Cursors: a subscription's place as a vector of coordinates, one per origin and partition, signed so that a
 * client can keep it and hand it to any gateway of any region. The gateway makes and reads them.
 *
 *     base64url( u8 version=1, u8 key id, text tenant, text topic, uvarint origins,
 *                origins × ( text region, 16 bytes topic id, uvarint partitions,
 *                            partitions × ( uvarint index − previous index, uvarint epoch + 1, uvarint offset )),
 *                32 bytes HMAC-SHA256 of all before it )
 *
 * Invariant: nothing is looked at, apart from version and key id, before the signature has been verified.
 */
import { createByteReader, createByteWriter } from './byte-cursor.ts';
import { TenancyError } from './errors.ts';
import { type KeyRing, MAC_BYTES } from './key-ring.ts';
import { LIMITS } from './limits.ts';

const VERSION = 1;
const LABEL = 'meridian cursor 1';
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Where reading goes on in one partition of one origin. */
export interface CursorPosition {
  region: string;
  /** Topic id at the origin, canonical UUID text. */
  topicId: string;
  partition: number;
  /** Leader epoch at the origin of the record before `offset`; −1 if none was read. */
  epoch: number;
  /** The next offset to deliver. */
  offset: number;
}

/** Whose cursor it is. */
export interface CursorScope {
  tenant: string;
  topic: string;
}

/** Signs `positions`, in any order. Throws `cursor-too-large`. */
export function encodeCursor(ring: KeyRing, scope: CursorScope, positions: readonly CursorPosition[]): string {
  const writer = createByteWriter();
  writer.uint8(VERSION);
  writer.uint8(ring.signingKeyId);
  writer.text(scope.tenant);
  writer.text(scope.topic);
  const origins = Map.groupBy(positions, (position) => `${position.region} ${position.topicId}`);
  writer.uvarint(origins.size);
  for (const group of origins.values()) {
    const first = group[0] as CursorPosition;
    writer.text(first.region);
    writer.bytes(Buffer.from(first.topicId.replaceAll('-', ''), 'hex'));
    writer.uvarint(group.length);
    let previous = 0;
    for (const position of group.toSorted((a, b) => a.partition - b.partition)) {
      writer.uvarint(position.partition - previous);
      writer.uvarint(position.epoch + 1);
      writer.uvarint(position.offset);
      previous = position.partition;
    }
  }
  const body = writer.done();
  const text = Buffer.concat([body, ring.sign(ring.signingKeyId, LABEL, body)]).toString('base64url');
  if (text.length > LIMITS.maxCursorChars) throw new TenancyError('cursor-too-large', `${positions.length} positions`);
  return text;
}

/** Verifies and reads a cursor. Throws `bad-cursor`, also for another tenant's or topic's. */
export function decodeCursor(ring: KeyRing, scope: CursorScope, text: string): CursorPosition[] {
  const fail = (): never => {
    throw new TenancyError('bad-cursor', `cursor of ${text.length} characters`);
  };
  if (text.length > LIMITS.maxCursorChars || !BASE64URL.test(text)) return fail();
  const whole = Buffer.from(text, 'base64url');
  if (whole.length < 2 + MAC_BYTES || whole[0] !== VERSION) return fail();
  const body = whole.subarray(0, whole.length - MAC_BYTES);
  if (!ring.verify(body[1] as number, LABEL, body, whole.subarray(body.length))) return fail();
  const reader = createByteReader(body.subarray(2), fail);
  if (reader.text() !== scope.tenant || reader.text() !== scope.topic) return fail();
  const positions: CursorPosition[] = [];
  for (let origins = reader.uvarint(); origins > 0; origins--) {
    const region = reader.text();
    const topicId = uuidText(reader.bytes(16));
    let partition = 0;
    for (let count = reader.uvarint(); count > 0; count--) {
      partition += reader.uvarint();
      positions.push({ region, topicId, partition, epoch: reader.uvarint() - 1, offset: reader.uvarint() });
    }
  }
  return reader.remaining === 0 ? positions : fail();
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
