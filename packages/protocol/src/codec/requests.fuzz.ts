/**
 * Fuzzing of every request decoder: `npm run fuzz -- request-fetch`, one unit for each API. The first byte chooses the
 * version. Only ProtocolError may come out, and what is decoded must encode to the same bytes again and again.
 */
import { APIS } from '../apis/apis.ts';
import { ProtocolError } from '../errors.ts';
import { BASE_MEMORY_BYTES } from '../limits.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import { type Draw, hostileMessage } from './hostile-message.ts';
import { sampleOf, VARIANTS } from './samples.ts';
import type { Api } from './schema.ts';

/** One input in so many is long, and full of the smallest elements. */
const FILLED_EVERY = 2_000;
const FILL_BYTES = [40_000, 200_000, 1_100_000];
/** Longer ones are only decoded. */
const MAX_STABLE_BYTES = 2_000;

const unitNameOf = ({ name }: Api): string => `request-${name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`;

export const units = Object.fromEntries(APIS.map((api) => [unitNameOf(api), unitOf(api)]));

function unitOf(api: Api) {
  const { minVersion, maxVersion } = api;
  const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index);
  const inputOf = (version: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([version - minVersion]), body]);
  return {
    baseBytes: BASE_MEMORY_BYTES,
    corpus: (): Buffer[] =>
      versions.flatMap((version) =>
        VARIANTS.map((variant) =>
          inputOf(version, encodeMessage(api.request, version, sampleOf(api.request, version, variant))),
        ),
      ),
    lie(draw: Draw): Buffer {
      const version = versions[draw(versions.length)]!;
      const fillBytes = draw(FILLED_EVERY) === 0 ? FILL_BYTES[draw(FILL_BYTES.length)]! : 0;
      return inputOf(version, hostileMessage(api.request, version, draw, fillBytes));
    },
    fuzz(input: Buffer): unknown {
      const version = versions[(input[0] ?? 0) % versions.length]!;
      try {
        const message = decodeMessage(api.request, version, input, Math.min(1, input.length));
        if (input.length < MAX_STABLE_BYTES) checkStable(api, version, message);
        return message;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return undefined;
      }
    },
  };
}

function checkStable({ request }: Api, version: number, message: Record<string, unknown>): void {
  const bytes = encodeMessage(request, version, message);
  const again = encodeMessage(request, version, decodeMessage(request, version, bytes));
  if (!again.equals(bytes)) throw new Error(`${request.name} v${version} does not encode to the same bytes twice`);
}
