/**
 * All that clients were told during a run of `npm run chaos`, for the audit: what became of each record that was sent,
 * and what each consumer got. Every value is sent once, and names its writer and its number: `kafkajs-1.2:517`.
 */

/** What its producer was told. Offset −1: acknowledged, but not where. */
export type Outcome =
  | { readonly kind: 'acknowledged'; readonly partition: number; readonly offset: number }
  | { readonly kind: 'unknown'; readonly partition: number; readonly reason: string };

export interface Seen {
  readonly offset: number;
  readonly value: string;
}

/** What one consumer, or one group, got: by partition, in the order in which it came. */
export type Received = Map<number, Seen[]>;

export class Ledger {
  readonly outcomes = new Map<string, Outcome>();
  /** Consumers with a fixed assignment that read on and on: each record once, in order. */
  readonly readers = new Map<string, Received>();
  /** Groups: each record at least once. */
  readonly groups = new Map<string, Received>();
  acknowledgedCount = 0;
  receivedCount = 0;

  acknowledged(value: string, partition: number, offset: number): void {
    this.outcomes.set(value, { kind: 'acknowledged', partition, offset });
    this.acknowledgedCount++;
  }

  unknown(value: string, partition: number, reason: string): void {
    this.outcomes.set(value, { kind: 'unknown', partition, reason });
  }

  /** As yet: some may still be acknowledged. */
  get unknownCount(): number {
    return this.outcomes.size - this.acknowledgedCount;
  }

  received(into: Received, partition: number, seen: Seen): void {
    const all = into.get(partition);
    if (all === undefined) into.set(partition, [seen]);
    else all.push(seen);
    this.receivedCount++;
  }

  reader(name: string): Received {
    return received(this.readers, name);
  }

  group(name: string): Received {
    return received(this.groups, name);
  }
}

function received(from: Map<string, Received>, name: string): Received {
  const known = from.get(name);
  if (known !== undefined) return known;
  const fresh: Received = new Map();
  from.set(name, fresh);
  return fresh;
}
