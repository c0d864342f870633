/**
 * The replication of one broker: a fetcher for each leader that it follows, and the way of its own in-sync sets to the
 * controller. Made by `createBroker`; partitions reach it through `ReplicationDoor`.
 * Invariant: a partition is with one fetcher at most, and that is its leader's.
 */
import type { Io, Logger } from '@meridian/io';
import { ENDPOINT_NAMES } from '../apis/broker-nodes.ts';
import { type BrokerConfigSources, brokerConfigNumber } from '../controller/configs/effective.ts';
import type { MetadataImage } from '../controller/image.ts';
import { type BrokerStanding, brokerStanding, type IsrChange } from '../partition/leadership.ts';
import type { Partition } from '../partition/partition.ts';
import type { ReplicationDoor } from '../partition/replication-door.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import type { NodeAddress, Peers } from '../peers/peers.ts';
import { AlterPartitionSender } from './alter-partition-sender.ts';
import { type FetcherSettings, ReplicaFetcher } from './replica-fetcher.ts';
import { Throttle } from './throttle.ts';

export interface ReplicationOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly peers: Peers;
  readonly channel: ControllerChannel;
  readonly nodeId: number;
  readonly sources: BrokerConfigSources;
}

export class Replication implements ReplicationDoor {
  readonly brokers: BrokerStanding;
  readonly #options: ReplicationOptions;
  readonly #fetchers = new Map<number, ReplicaFetcher>();
  readonly #leaders = new Map<Partition, number>();
  readonly #sender: AlterPartitionSender;
  readonly #throttle: Throttle;
  #fetcherSettings: FetcherSettings;
  /** Of the image that they are read from. */
  #settingsOffset: number;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const { image } = options.sources;
    this.brokers = brokerStanding(image);
    this.#fetcherSettings = fetcherSettings(options.sources);
    this.#settingsOffset = image.endOffset;
    this.#throttle = new Throttle(options.io.clock, () => this.#settings().throttledRate);
    this.#sender = new AlterPartitionSender({ ...options, brokerEpoch: () => this.#brokerEpoch() });
  }

  follow(partition: Partition, leader: number): void {
    this.leave(partition);
    this.#leaders.set(partition, leader);
    this.#fetcher(leader).add(partition);
  }

  leave(partition: Partition): void {
    const leader = this.#leaders.get(partition);
    if (leader === undefined) return;
    this.#leaders.delete(partition);
    const fetcher = this.#fetchers.get(leader)!;
    fetcher.remove(partition);
    if (fetcher.size > 0) return;
    fetcher.close();
    this.#fetchers.delete(leader);
  }

  ready(partition: Partition): void {
    const leader = this.#leaders.get(partition);
    if (leader !== undefined) this.#fetchers.get(leader)!.ready(partition);
  }

  alterPartition(partition: Partition, change: IsrChange): void {
    this.#sender.send(partition, change);
  }

  close(): void {
    this.#sender.close();
    for (const fetcher of this.#fetchers.values()) fetcher.close();
    this.#fetchers.clear();
    this.#leaders.clear();
  }

  #fetcher(leader: number): ReplicaFetcher {
    let fetcher = this.#fetchers.get(leader);
    if (fetcher === undefined) {
      const { sources } = this.#options;
      fetcher = new ReplicaFetcher({
        ...this.#options,
        leader,
        address: () => internalAddress(sources.image, leader),
        brokerEpoch: () => this.#brokerEpoch(),
        throttle: this.#throttle,
        settings: () => this.#settings(),
      });
      this.#fetchers.set(leader, fetcher);
    }
    return fetcher;
  }

  /** Read anew only when the image has moved: fetchers ask for every request. */
  #settings(): FetcherSettings {
    const { sources } = this.#options;
    if (this.#settingsOffset !== sources.image.endOffset) {
      this.#settingsOffset = sources.image.endOffset;
      this.#fetcherSettings = fetcherSettings(sources);
    }
    return this.#fetcherSettings;
  }

  #brokerEpoch(): number {
    const { nodeId, sources } = this.#options;
    return sources.image.brokers.get(nodeId)?.epoch ?? -1;
  }
}

/** Also of a broker that is fenced: its partitions have other leaders soon. */
function internalAddress(image: MetadataImage, nodeId: number): NodeAddress | undefined {
  return image.brokers.get(nodeId)?.endpoints.find(({ name }) => name === ENDPOINT_NAMES.internal);
}

function fetcherSettings(sources: BrokerConfigSources): FetcherSettings {
  const number = (name: string): number => brokerConfigNumber(sources, name);
  return {
    maxBytes: number('replica.fetch.max.bytes'),
    responseMaxBytes: number('replica.fetch.response.max.bytes'),
    minBytes: number('replica.fetch.min.bytes'),
    maxWaitMs: number('replica.fetch.wait.max.ms'),
    backoffMs: number('replica.fetch.backoff.ms'),
    throttledRate: number('follower.replication.throttled.rate'),
  };
}
