/**
 * What a checker is: it looks at what clients were told and at what the brokers hold after everything has converged,
 * and names each violation. One checker per file.
 */
import type { Ledger } from '../ledger.ts';
import type { StoredPartition } from '../stored.ts';

export interface Outcome {
  ledger: Ledger;
  /** Partitions where they were born, with the region as `at`. */
  origins: readonly StoredPartition[];
  /** Their copies: `origin` is the region of birth, `stored.at` where the copy is. */
  copies: readonly { origin: string; stored: StoredPartition }[];
  partitions: number;
}

/** Violations, empty if the promise held. */
export type Checker = (outcome: Outcome) => string[];
