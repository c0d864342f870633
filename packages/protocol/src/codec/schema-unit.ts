/**
 * A fuzzing unit for a message that is declared in the schema language: what `requests.fuzz.ts` and `log-messages.fuzz.ts`
 * make of theirs. The first byte chooses the version.
 * Invariant: only ProtocolError may come out, and what is decoded must encode to the same bytes again and again.
 */
import { ProtocolError } from '../errors.ts';
import { BASE_MEMORY_BYTES } from '../limits.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import { type Draw, hostileMessage } from './hostile-message.ts';
import { sampleOf, VARIANTS } from './samples.ts';
import type { Schema } from './schema.ts';

/** One input in so many is long, and full of the smallest elements. */
const FILLED_EVERY = 2_000;
const FILL_BYTES = [40_000, 200_000, 1_100_000];
/** Longer ones are only decoded. */
const MAX_STABLE_BYTES = 2_000;

/** `DescribeAcls` as `describe-acls`. */
export const unitNameOf = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();

export function schemaUnit(schema: Schema) {
  const { minVersion, maxVersion } = schema;
  const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index);
  const inputOf = (version: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([version - minVersion]), body]);
  const sample = (version: number, variant: (typeof VARIANTS)[number]): Buffer =>
    inputOf(version, encodeMessage(schema, version, sampleOf(schema, version, variant)));
  return {
    baseBytes: BASE_MEMORY_BYTES,
    corpus: (): Buffer[] => versions.flatMap((version) => VARIANTS.map((variant) => sample(version, variant))),
    lie(draw: Draw): Buffer {
      const version = versions[draw(versions.length)]!;
      const fillBytes = draw(FILLED_EVERY) === 0 ? FILL_BYTES[draw(FILL_BYTES.length)]! : 0;
      return inputOf(version, hostileMessage(schema, version, draw, fillBytes));
    },
    fuzz(input: Buffer): unknown {
      const version = versions[(input[0] ?? 0) % versions.length]!;
      try {
        const message = decodeMessage(schema, version, input, Math.min(1, input.length));
        if (input.length < MAX_STABLE_BYTES) checkStable(schema, version, message);
        return message;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return undefined;
      }
    },
  };
}

function checkStable(schema: Schema, version: number, message: Record<string, unknown>): void {
  const bytes = encodeMessage(schema, version, message);
  const again = encodeMessage(schema, version, decodeMessage(schema, version, bytes));
  if (!again.equals(bytes)) throw new Error(`${schema.name} v${version} does not encode to the same bytes twice`);
}
