/**
 * Keys, values and header values between what applications hand in (text, bytes, JSON values), the frames'
 * `Payload`, and bytes. Used by publishing, by messages and by the partitioner.
 * Invariant: a payload has the same bytes here and at the gateway, since both partition by them.
 */
import type { Payload } from './frames.ts';

/** A string is text, a Uint8Array is bytes, null is none (a tombstone), anything else is JSON. */
export type Content = string | Uint8Array | null | undefined | number | boolean | object;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toPayload(content: Content): Payload {
  if (content === null || content === undefined) return null;
  if (typeof content === 'string') return { text: content };
  if (content instanceof Uint8Array) return { base64: toBase64(content) };
  return { json: content };
}

export function contentBytes(content: Content): Uint8Array | null {
  if (content === null || content === undefined) return null;
  if (content instanceof Uint8Array) return content;
  return encoder.encode(typeof content === 'string' ? content : JSON.stringify(content));
}

export function payloadBytes(payload: Payload): Uint8Array | null {
  if (payload === null) return null;
  return 'base64' in payload ? fromBase64(payload.base64) : encoder.encode(payloadText(payload) ?? '');
}

export function payloadText(payload: Payload): string | null {
  if (payload === null) return null;
  if ('text' in payload) return payload.text;
  return 'json' in payload ? JSON.stringify(payload.json) : decoder.decode(fromBase64(payload.base64));
}

export const bytesText = (bytes: Uint8Array): string => decoder.decode(bytes);

const CHUNK = 8_192;

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
