/**
 * Holds what clients were told against what is in the logs at the end: nothing acknowledged may be lost, twice there, out
 * of order or elsewhere, and no consumer may have got what is not there, or missed what is. A record of unknown outcome may be there
 * once or not at all.
 */
import type { Ledger, Received, Seen } from './ledger.ts';

/** By partition: every record of its log at the end, in order. */
export type FinalLogs = ReadonlyMap<number, readonly Seen[]>;

export const FINDINGS = [
  'lost',
  'duplicated',
  'reordered',
  'misplaced',
  'never sent',
  'read but not there',
  'not read',
  'read out of order',
] as const;
export type FindingKind = (typeof FINDINGS)[number];

export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

/** Cheap, to be asked again and again: whether everybody has got the last record of every partition. */
export function haveReadAll({ readers, groups }: Ledger, logs: FinalLogs): boolean {
  for (const received of [...readers.values(), ...groups.values()]) {
    for (const [partition, records] of logs) {
      const last = records.at(-1)?.offset ?? -1;
      if ((received.get(partition)?.at(-1)?.offset ?? -1) < last) return false;
    }
  }
  return true;
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

export function audit(ledger: Ledger, logs: FinalLogs): Finding[] {
  const findings: Finding[] = [];
  const note = (kind: FindingKind, what: string): void => void findings.push({ kind, what });
  const places = new Map<string, Place>();
  for (const [partition, records] of logs) {
    for (const { offset, value } of records) {
      const earlier = places.get(value);
      if (earlier !== undefined) note('duplicated', `${value} at ${shown(earlier)} and ${partition}@${offset}`);
      else places.set(value, { partition, offset });
      if (!ledger.outcomes.has(value)) note('never sent', `${value} at ${partition}@${offset}`);
    }
    checkOrder(partition, records, note);
  }
  checkAcknowledged(ledger, places, note);
  for (const [name, received] of ledger.readers) {
    checkReceived(name, received, logs, note);
    checkReadOnce(name, received, note);
  }
  for (const [name, received] of ledger.groups) checkReceived(name, received, logs, note);
  return findings;
}

type Note = (kind: FindingKind, what: string) => void;

const shown = ({ partition, offset }: Place): string => `${partition}@${offset}`;

/** One writer's records stand in each partition in the order of their numbers. */
function checkOrder(partition: number, records: readonly Seen[], note: Note): void {
  const newest = new Map<string, number>();
  for (const { offset, value } of records) {
    const at = value.lastIndexOf(':');
    const writer = value.slice(0, at);
    const number = Number(value.slice(at + 1));
    const before = newest.get(writer);
    // The same one again is a duplicate.
    if (before !== undefined && number < before) note('reordered', `${value} behind ${before}, ${partition}@${offset}`);
    newest.set(writer, Math.max(number, before ?? number));
  }
}

function checkAcknowledged(ledger: Ledger, places: ReadonlyMap<string, Place>, note: Note): void {
  for (const [value, outcome] of ledger.outcomes) {
    if (outcome.kind !== 'acknowledged') continue;
    const place = places.get(value);
    const told = shown(outcome);
    if (place === undefined) note('lost', `${value}, acknowledged at ${told}`);
    else if (place.partition !== outcome.partition || (outcome.offset >= 0 && place.offset !== outcome.offset))
      note('misplaced', `${value}, acknowledged at ${told}, is at ${shown(place)}`);
  }
}

/** All that it got is in the log at that place, and all of the log it got. */
function checkReceived(name: string, received: Received, logs: FinalLogs, note: Note): void {
  for (const [partition, records] of logs) {
    const values = new Map(records.map(({ offset, value }) => [offset, value]));
    for (const { offset, value } of received.get(partition) ?? []) {
      const there = values.get(offset);
      if (there !== value)
        note('read but not there', `${name} got ${value} at ${partition}@${offset}, there is ${there}`);
    }
    const got = new Set((received.get(partition) ?? []).map(({ offset }) => offset));
    for (const { offset, value } of records) {
      if (!got.has(offset)) note('not read', `${name} did not get ${value} at ${partition}@${offset}`);
    }
  }
}

function checkReadOnce(name: string, received: Received, note: Note): void {
  for (const [partition, all] of received) {
    let before = -1;
    for (const { offset } of all) {
      if (offset <= before) note('read out of order', `${name} got ${partition}@${offset} behind ${before}`);
      before = offset;
    }
  }
}
