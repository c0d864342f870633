/** A script that has run, and the kind of its difference: what failures have in common. Used by `lanes.ts` and `story.ts`. */
import { inspect } from 'node:util';
import type { Difference } from './differences.ts';
import type { Outcome } from './run-script.ts';
import type { Script } from './script.ts';
import type { Step } from './step.ts';

export interface Ran {
  readonly seed: number;
  readonly script: Script;
  readonly outcome: Outcome;
}

const NAMES_OF_SCRIPTS = /\bd\d+\w*-/g;

/** Scripts that fail in one way share this. */
export function kindOf({ api }: Step, { path, ours, theirs }: Difference): string {
  const said = (value: unknown) => brief(value, 1_000).replace(NAMES_OF_SCRIPTS, '').slice(0, 100);
  return `${api.name} ${path.replace(/\[\d+\]/g, '[]').replace(NAMES_OF_SCRIPTS, '')}: ${said(ours)}, not ${said(theirs)}`;
}

export function kindOfRan({ script, outcome: { failure } }: Ran): string {
  return kindOf(script.steps[failure!.at]!, failure!.differences[0]!);
}

export function brief(value: unknown, length: number): string {
  const text = inspect(value, { depth: 9, compact: 99, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60 });
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
