/**
 * An application that reads the global topic with the SDK and fails over between regions; everything that it is given
 * and told goes into the ledger.
 */
import type { Meridian } from '@meridian/sdk';
import type { Ledger, ReaderLedger } from '../ledger.ts';

export function startReader(meridian: Meridian, name: string, topic: string, ledger: Ledger): ReaderLedger {
  const entry: ReaderLedger = { name, delivered: [], told: [], gaps: [], failures: [] };
  ledger.readers.push(entry);
  const expected = new Map<string, number>();
  const subscription = meridian.subscribe(topic, { from: 'earliest' });
  subscription.onGap = (gap) => entry.gaps.push(JSON.stringify(gap));
  subscription.onStatus = (partitions) => {
    for (const { region, partition, status, offset, behindBy } of partitions)
      entry.told.push({
        region,
        partition,
        status,
        offset,
        behindBy,
        expected: expected.get(`${region}/${partition}`) ?? 0,
      });
  };
  const read = async (): Promise<void> => {
    for await (const message of subscription) {
      const { region, topicId, partition, epoch, offset } = message;
      expected.set(`${region}/${partition}`, offset + 1);
      entry.delivered.push({ region, topicId, partition, epoch, offset, value: message.text() ?? '' });
    }
  };
  read().catch((error: Error) => entry.failures.push(error.message));
  return entry;
}
