/**
 * Parses JSON that a client sent, frames and HTTP bodies alike, within bounds: not deeper than `maxJsonDepth`, no
 * number silently rounded. Whoever needs a field checks its type (`fields.ts`).
 * Invariant: what is parsed and stringified again means the same: a number that a double cannot hold keeps its text.
 */
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { inspectJson } from './json-scan.ts';

/** ES2026's raw JSON, which TypeScript's library does not know yet. */
const rawJson = (JSON as unknown as { rawJSON(text: string): object }).rawJSON;

/** Throws `bad-request` for what is too deep or not JSON; `bytes` must be UTF-8. */
export function parseJson(bytes: Buffer): unknown {
  const shape = inspectJson(bytes, LIMITS.maxJsonDepth);
  if (shape === 'deep') throw new GatewayError('bad-request', `JSON deeper than ${LIMITS.maxJsonDepth}`);
  const text = bytes.toString('utf8');
  try {
    return shape === 'exact' ? JSON.parse(text, keepExact as never) : JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('bad-request', 'not JSON', { cause });
  }
}

function keepExact(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return JSON.stringify(value) === context.source ? value : rawJson(context.source);
}
