/**
 * A pattern for whole names: `. * + ? | ( ) [ ]` and `\` before any of them. Compiled into a state set that is walked once
 * per character (Thompson's construction), so no pattern and no name can make it slow.
 * Invariant: look-around, back-references and counted repeats are refused, not taken for something else.
 */
import { LIMITS } from '../limits.ts';

/** One step of the machine: goes on by itself (`next`, `other`), or by a character that `takes`. */
interface State {
  takes: ((code: number) => boolean) | null;
  next: number;
  other: number;
}

/** A piece with one way in; `ends` are the places that still lead nowhere. */
interface Piece {
  start: number;
  ends: (readonly [number, 'next' | 'other'])[];
}

const NOWHERE = -1;

class PatternError extends Error {}

/** The matcher, or what is wrong with the pattern. */
export function compilePattern(pattern: string): ((name: string) => boolean) | string {
  if (Buffer.byteLength(pattern) > LIMITS.maxPatternBytes) return `is longer than ${LIMITS.maxPatternBytes} bytes`;
  try {
    const parser = new Parser(pattern);
    const start = parser.parse();
    return (name) => matches(parser.states, start, parser.accepting, name);
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

class Parser {
  readonly states: State[] = [];
  accepting = NOWHERE;
  private readonly text: string;
  private at = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  parse(): number {
    const piece = this.alternatives();
    if (this.at < this.text.length) throw new PatternError('has a ) without a (');
    this.accepting = this.add(null);
    this.join(piece, this.accepting);
    return piece.start;
  }

  private alternatives(): Piece {
    if (++this.depth > LIMITS.maxPatternDepth) throw new PatternError('has too many groups in each other');
    let piece = this.sequence();
    while (this.text[this.at] === '|') {
      this.at++;
      const other = this.sequence();
      const fork = this.add(null, piece.start, other.start);
      piece = { start: fork, ends: [...piece.ends, ...other.ends] };
    }
    this.depth--;
    return piece;
  }

  private sequence(): Piece {
    const empty = this.add(null);
    const piece: Piece = { start: empty, ends: [[empty, 'next']] };
    while (this.at < this.text.length && this.text[this.at] !== '|' && this.text[this.at] !== ')') {
      const next = this.repeated();
      this.join(piece, next.start);
      piece.ends = next.ends;
    }
    return piece;
  }

  private repeated(): Piece {
    let piece = this.one();
    for (;;) {
      const sign = this.text[this.at];
      if (sign === '{') throw new PatternError('has counted repeats: write them out');
      if (sign !== '*' && sign !== '+' && sign !== '?') return piece;
      this.at++;
      const fork = this.add(null, piece.start);
      if (sign !== '?') this.join(piece, fork);
      const ends: Piece['ends'] = [[fork, 'other']];
      piece = { start: sign === '+' ? piece.start : fork, ends: sign === '?' ? [...piece.ends, ...ends] : ends };
    }
  }

  private one(): Piece {
    const sign = this.text[this.at++]!;
    if (sign === '(') return this.group();
    if (sign === '[') return this.char(this.set());
    if (sign === '.') return this.char(() => true);
    if (sign === '\\') return this.char(equals(this.escaped()));
    if (sign === '^' || sign === '$') throw new PatternError(`has a ${sign}: the whole name must match, leave it out`);
    if ('*+?{}])'.includes(sign)) throw new PatternError(`has a ${sign} where nothing can be so`);
    return this.char(equals(sign.charCodeAt(0)));
  }

  private group(): Piece {
    if (this.text[this.at] === '?') throw new PatternError('has (?…), which is not understood: use plain groups');
    const piece = this.alternatives();
    if (this.text[this.at++] !== ')') throw new PatternError('has a ( without a )');
    return piece;
  }

  /** `[a-z0-9]`, `[^.]`; what stands there is itself, but for a range, `^` at the start and `\`. */
  private set(): (code: number) => boolean {
    const isNegated = this.text[this.at] === '^';
    if (isNegated) this.at++;
    const ranges: [number, number][] = [];
    while (this.text[this.at] !== ']') {
      const from = this.member();
      let to = from;
      if (this.text[this.at] === '-' && this.text[this.at + 1] !== ']') {
        this.at++;
        to = this.member();
      }
      if (to < from) throw new PatternError('has a range that ends before it begins');
      ranges.push([from, to]);
    }
    this.at++;
    if (ranges.length === 0) throw new PatternError('has an empty [ ]');
    return (code) => ranges.some(([from, to]) => code >= from && code <= to) !== isNegated;
  }

  private member(): number {
    const sign = this.text[this.at++];
    if (sign === undefined) throw new PatternError('has a [ without a ]');
    return sign === '\\' ? this.escaped() : sign.charCodeAt(0);
  }

  /** Letters and digits after a backslash mean something elsewhere; here they are refused. */
  private escaped(): number {
    const sign = this.text[this.at++];
    if (sign === undefined) throw new PatternError('ends with a backslash');
    if (/[A-Za-z0-9]/.test(sign)) throw new PatternError(`has \\${sign}, which is not understood`);
    return sign.charCodeAt(0);
  }

  private char(takes: (code: number) => boolean): Piece {
    const state = this.add(takes);
    return { start: state, ends: [[state, 'next']] };
  }

  private join({ ends }: Piece, to: number): void {
    for (const [state, way] of ends) this.states[state]![way] = to;
  }

  private add(takes: State['takes'], next = NOWHERE, other = NOWHERE): number {
    if (this.states.length >= LIMITS.maxPatternStates) throw new PatternError('is too long');
    return this.states.push({ takes, next, other }) - 1;
  }
}

function matches(states: readonly State[], start: number, accepting: number, name: string): boolean {
  const seenAt = new Int32Array(states.length).fill(-1);
  let current: number[] = [];
  reach(states, start, 0, seenAt, current);
  for (let at = 0; at < name.length && current.length > 0; at++) {
    const code = name.charCodeAt(at);
    const following: number[] = [];
    for (const index of current) {
      const { takes, next } = states[index]!;
      if (takes?.(code)) reach(states, next, at + 1, seenAt, following);
    }
    current = following;
  }
  return current.includes(accepting);
}

/** All states that are reached without a character; each once per place in the name. */
function reach(states: readonly State[], from: number, at: number, seenAt: Int32Array, found: number[]): void {
  const pending = [from];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (index === NOWHERE || seenAt[index] === at) continue;
    seenAt[index] = at;
    found.push(index);
    const { takes, next, other } = states[index]!;
    if (takes === null) pending.push(next, other);
  }
}

const equals = (wanted: number) => (code: number) => code === wanted;
