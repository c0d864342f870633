/**
 * The text that lets another connection, at any gateway of the region, go on with a publishing session: its
 * producer id and epoch, bound to the tenant and subject that got it.
 * Invariant: the broker alone judges sequences; this text only proves that the producer id was handed to this bearer.
 */
import { createByteReader, createByteWriter } from './byte-cursor.ts';
import { TenancyError } from './errors.ts';
import { type KeyRing, MAC_BYTES } from './key-ring.ts';
import { LIMITS } from './limits.ts';

const VERSION = 1;
const LABEL = 'meridian session 1';

/** Who may go on with a session. */
export interface SessionBearer {
  readonly tenant: string;
  readonly subject: string;
}

export interface ProducerSession {
  tenant: string;
  /** The region whose brokers know the producer. */
  region: string;
  producerId: number;
  producerEpoch: number;
}

export function encodeSession(ring: KeyRing, session: ProducerSession, subject: string): string {
  const writer = createByteWriter();
  writer.uint8(VERSION);
  writer.uint8(ring.signingKeyId);
  writer.text(session.tenant);
  writer.text(session.region);
  writer.uvarint(session.producerId);
  writer.uvarint(session.producerEpoch);
  const body = writer.done();
  return Buffer.concat([body, ring.sign(ring.signingKeyId, labelOf(subject), body)]).toString('base64url');
}

/** Throws `bad-session` for anything but a text that `encodeSession` made for this bearer. */
export function decodeSession(ring: KeyRing, { tenant, subject }: SessionBearer, text: string): ProducerSession {
  const fail = (): never => {
    throw new TenancyError('bad-session', `session of ${text.length} characters`);
  };
  if (text.length > LIMITS.maxSessionChars) return fail();
  const whole = Buffer.from(text, 'base64url');
  if (whole.length < 2 + MAC_BYTES || whole[0] !== VERSION) return fail();
  const body = whole.subarray(0, whole.length - MAC_BYTES);
  if (!ring.verify(body[1] as number, labelOf(subject), body, whole.subarray(body.length))) return fail();
  const reader = createByteReader(body.subarray(2), fail);
  const session = {
    tenant: reader.text(),
    region: reader.text(),
    producerId: reader.uvarint(),
    producerEpoch: reader.uvarint(),
  };
  return session.tenant === tenant && reader.remaining === 0 ? session : fail();
}

/** The subject is signed, not written: it may be long. */
const labelOf = (subject: string): string => `${LABEL}\0${subject}`;
