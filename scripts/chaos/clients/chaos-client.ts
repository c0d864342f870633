/** What `npm run chaos` starts: a producer or a consumer of some kind, which tells the ledger what it was told. */
import type { Ledger } from '../audit/ledger.ts';

export interface ChaosContext {
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  readonly ledger: Ledger;
}

export interface ChaosClient {
  readonly name: string;
  /** Producers: sends nothing new and waits, for a while, for what is under way. Consumers: leaves. */
  stop(): Promise<void>;
}

/** About as long as a small record is. */
const VALUE_BYTES = 100;

export const recordName = (writer: string, number: number): string => `${writer}:${number}`;
export const padded = (value: string): string => value.padEnd(VALUE_BYTES);
