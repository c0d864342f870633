/** A reader, however often it was moved between gateways and regions, got every stored record once and in order. */
import type { ReaderLedger } from '../ledger.ts';
import type { StoredPartition } from '../stored.ts';
import type { Checker } from './checker.ts';

export const readersMissNothing: Checker = ({ ledger, origins }) =>
  ledger.readers.flatMap((reader) => [
    ...reader.gaps.map((gap) => `${reader.name} was told of a gap where there is none: ${gap}`),
    ...reader.failures.map((failure) => `${reader.name} ended: ${failure}`),
    ...origins.flatMap((origin) => compare(reader, origin)),
  ]);

function compare(reader: ReaderLedger, { at, partition, records }: StoredPartition): string[] {
  const got = reader.delivered.filter((message) => message.region === at && message.partition === partition);
  const place = `${reader.name} on ${at}-${partition}`;
  const length = Math.max(got.length, records.length);
  for (let index = 0; index < length; index++) {
    const [have, want] = [got[index], records[index]];
    if (have?.offset === want?.offset && have?.value === want?.value) continue;
    return [`${place}: message ${index} is ${have?.value}@${have?.offset}, stored is ${want?.value}@${want?.offset}`];
  }
  return [];
}
