/**
 * The fuzzing loop: takes an input of the corpus, mutates it a few times, runs the unit. `scripts/fuzz.ts` and the tests
 * call it. Invariant: execution n of a seed always sees the same bytes, so a fault is found again by its seed.
 */

export interface FuzzUnit {
  /** Returns if all is well with these bytes; throws at a fault. */
  fuzz(input: Buffer): void | Promise<void>;
  /** Well-formed inputs to start from. */
  corpus?(): Buffer[];
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

type Draw = (below: number) => number;

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
    const input = execution <= corpus.length ? corpus[execution - 1]! : mutate(corpus, draw);
    try {
      // Awaited only if need be: a promise per execution would cost more than most units do.
      const pending = unit.fuzz(input);
      if (pending !== undefined) await pending;
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

function mutate(corpus: readonly Buffer[], draw: Draw): Buffer {
  let bytes: Buffer = Buffer.from(corpus[draw(corpus.length)]!);
  for (let left = 1 + draw(MAX_MUTATIONS); left > 0; left--) bytes = mutateOnce(bytes, corpus, draw);
  return bytes.subarray(0, MAX_INPUT_BYTES);
}

function mutateOnce(bytes: Buffer, corpus: readonly Buffer[], draw: Draw): Buffer {
  const at = draw(bytes.length + 1);
  const to = Math.min(bytes.length, at + draw(16));
  switch (draw(7)) {
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
    default: // Overwrite a few bytes by an edge.
      return bytes.fill(EDGES[draw(EDGES.length)]!, at, Math.min(bytes.length, at + 1 + draw(4)));
  }
}
