/**
 * Reads a global topic through the SDK the way an application does and keeps what an audit needs: digests per
 * origin and partition, and every coordinate, so that a record that comes twice or out of order is seen.
 */
import { connect, type Message } from '@meridian/sdk';
import { PartitionDigests } from './cities.ts';

export interface Reader {
  /** Digests of the records born in one region. */
  digests(region: string): PartitionDigests;
  readonly received: number;
  /** Coordinates that came twice or below an earlier one. */
  readonly disorders: string[];
  readonly gaps: unknown[];
  /** Resolves when `count` records have come; rejects after `limitMs`. */
  until(count: number, limitMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startReader(options: {
  urls: string[];
  token: string;
  topic: string;
  protocol?: 'json' | 'bin';
}): Promise<Reader> {
  const meridian = await connect({ urls: options.urls, token: options.token, protocol: options.protocol ?? 'bin' });
  const subscription = meridian.subscribe(options.topic, { from: 'earliest' });
  const byRegion = new Map<string, PartitionDigests>();
  const lastOffset = new Map<string, number>();
  const disorders: string[] = [];
  const gaps: unknown[] = [];
  let received = 0;
  let failure: unknown;
  subscription.onGap = (gap) => gaps.push(gap);

  const digests = (region: string): PartitionDigests => {
    let found = byRegion.get(region);
    if (found === undefined) byRegion.set(region, (found = new PartitionDigests()));
    return found;
  };
  const take = (message: Message): void => {
    const place = `${message.region}/${message.partition}`;
    const last = lastOffset.get(place) ?? -1;
    if (message.offset <= last) disorders.push(`${place}: ${message.offset} after ${last}`);
    lastOffset.set(place, message.offset);
    digests(message.region).add(message.partition, message.key ?? new Uint8Array(), message.value ?? new Uint8Array());
    received++;
  };
  const reading = (async () => {
    for await (const message of subscription) take(message);
  })().catch((error) => {
    failure = error;
  });

  const until = async (count: number, limitMs: number): Promise<void> => {
    const deadline = Date.now() + limitMs;
    while (received < count) {
      if (failure !== undefined) throw failure;
      if (Date.now() > deadline) throw new Error(`${received} of ${count} records after ${limitMs} ms`);
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  return {
    digests,
    disorders,
    gaps,
    get received() {
      return received;
    },
    until,
    close: async () => {
      await meridian.close();
      await reading;
    },
  };
}
