/**
 * The fuzzing loop: takes an input of the corpus, or one that the unit makes up by the rules of its format, changes it a few
 * times, runs the unit and measures what it took. `scripts/fuzz.ts` and the tests call it.
 * Invariant: execution n of a seed always sees the same bytes, so a fault is found again by its seed.
 */
import { metered } from './memory-meter.ts';

export interface FuzzUnit {
  /** Returns if all is well with these bytes, with what it made of them if that is to be weighed; throws at a fault. */
  fuzz(input: Buffer): unknown;
  /** Well-formed inputs to start from. */
  corpus?(): Buffer[];
  /** An input by the rules of the format, but for what it lies about. */
  lie?(draw: Draw): Buffer;
  /** Memory that the unit may take whatever its input is, in bytes. */
  readonly baseBytes?: number;
}

export interface FuzzFault {
  /** Counted from 1. */
  readonly execution: number;
  readonly input: Buffer;
  readonly error: unknown;
}

const MAX_MUTATIONS = 6;
const MAX_INPUT_BYTES = 65_536;
/** Bytes that sit on the edges of lengths, varints and signs. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/** A whole number below the given one. */
export type Draw = (below: number) => number;

/** Runs the unit; returns the first fault, if there is one. */
export async function runFuzz(
  unit: FuzzUnit,
  options: { readonly runs: number; readonly seed: number },
): Promise<FuzzFault | undefined> {
  const corpus = unit.corpus?.() ?? [];
  if (corpus.length === 0) corpus.push(Buffer.alloc(0));
  const draw = createDraw(options.seed);
  for (let execution = 1; execution <= options.runs; execution++) {
    // The first round shows the corpus as it is: a fault there is no mutation's doing.
    const input = execution <= corpus.length ? corpus[execution - 1]! : nextInput(unit, corpus, draw);
    try {
      // Awaited only if need be: a promise per execution would cost more than most units do.
      const result = metered(() => unit.fuzz(input), input.length, unit.baseBytes ?? 0);
      if (result instanceof Promise) await result;
    } catch (error) {
      return { execution, input, error };
    }
  }
  return undefined;
}

/** Uniform whole numbers from a seed (mulberry32). */
function createDraw(seed: number): Draw {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

function nextInput(unit: FuzzUnit, corpus: readonly Buffer[], draw: Draw): Buffer {
  if (unit.lie === undefined || draw(3) === 0) return mutate(corpus, draw);
  const lie = unit.lie(draw);
  return lie.length > MAX_INPUT_BYTES || draw(3) > 0 ? lie : mutateOnce(lie, corpus, draw);
}

function mutate(corpus: readonly Buffer[], draw: Draw): Buffer {
  let bytes: Buffer = Buffer.from(corpus[draw(corpus.length)]!);
  for (let left = 1 + draw(MAX_MUTATIONS); left > 0; left--) bytes = mutateOnce(bytes, corpus, draw);
  return bytes.subarray(0, MAX_INPUT_BYTES);
}

/** Lengths and counts that decoders should not believe. */
const NUMBERS = [0, 1, -1, -2, 127, 128, 32_767, 32_768, 65_536, 2 ** 31 - 1, -(2 ** 31), 2 ** 31];
const VARINTS = [
  '00',
  '01',
  '7f',
  '8001',
  'ffff03',
  'ffffffff07',
  'ffffffff0f',
  'feffffff0f',
  'ffffffffffffffffff01',
].map((hex) => Buffer.from(hex, 'hex'));

function writeNumber(bytes: Buffer, at: number, width: number, value: number): Buffer {
  if (at + width > bytes.length) return bytes;
  const whole = Buffer.alloc(8);
  whole.writeBigInt64BE(BigInt(value));
  whole.copy(bytes, at, 8 - width);
  return bytes;
}

function mutateOnce(bytes: Buffer, corpus: readonly Buffer[], draw: Draw): Buffer {
  const at = draw(bytes.length + 1);
  const to = Math.min(bytes.length, at + draw(16));
  switch (draw(9)) {
    case 0: // Cut off.
      return bytes.subarray(0, at);
    case 1: // Take out.
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 2: // Repeat.
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 3: // Put random bytes in.
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([draw(256), draw(256)]), bytes.subarray(at)]);
    case 4: // Go on as another input does.
      return Buffer.concat([bytes.subarray(0, at), corpus[draw(corpus.length)]!.subarray(at)]);
    case 5: // Flip a bit.
      if (at < bytes.length) bytes[at]! ^= 1 << draw(8);
      return bytes;
    case 6: // A length or count on an edge, as a number of 2, 4 or 8 bytes.
      return writeNumber(bytes, at, 2 << draw(3), NUMBERS[draw(NUMBERS.length)]!);
    case 7: // The same as a varint.
      return Buffer.concat([bytes.subarray(0, at), VARINTS[draw(VARINTS.length)]!, bytes.subarray(at + 1)]);
    default: // Overwrite a few bytes by an edge.
      return bytes.fill(EDGES[draw(EDGES.length)]!, at, Math.min(bytes.length, at + 1 + draw(4)));
  }
}
