/**
 * What the clients of a simulated run were told: every acknowledgement and every message delivered. Written by the
 * workload, read by the checkers once the run is over.
 * Invariant: entries are only added, in the order in which the clients learned them.
 */

/** A record that a client was told is stored. */
export interface Acknowledged {
  region: string;
  topic: string;
  partition: number;
  offset: number;
  value: string;
}

/** A message as a subscriber got it. */
export interface Delivered {
  region: string;
  topicId: string;
  partition: number;
  epoch: number;
  offset: number;
  value: string;
}

/** What a subscriber was told about a partition when it (re)subscribed, and how far it had read by then. */
export interface Told {
  region: string;
  partition: number;
  status: 'exact' | 'behind' | 'gap' | 'unavailable';
  offset: number;
  behindBy: number | undefined;
  /** Offset after the last message it had, 0 if it had none. */
  expected: number;
}

export interface ReaderLedger {
  name: string;
  delivered: Delivered[];
  told: Told[];
  gaps: string[];
  failures: string[];
}

export interface Ledger {
  acknowledged: Acknowledged[];
  /** Values whose write ended in the unknown: they may be stored once, or not at all. */
  unknown: Set<string>;
  readers: ReaderLedger[];
}

export function emptyLedger(): Ledger {
  return { acknowledged: [], unknown: new Set(), readers: [] };
}
