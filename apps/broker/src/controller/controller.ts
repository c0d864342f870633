/**
 * The controller as the rest of the broker sees it. API handlers submit commands and read the image; partitions
 * follow `onChange`.
 * Invariant: a command is answered only after its records have been appended to the metadata log, fsynced and
 * applied, so whatever an answer says can be read from `image` and survives a power loss.
 */
import type { MetadataRecord } from '@meridian/protocol';
import type { QuorumDescription } from '../quorum/quorum-node.ts';
import type { Command, ResultOf } from './commands.ts';
import type { BrokerConfigSources } from './configs/effective.ts';
import type { MetadataImage } from './image.ts';

export interface Controller {
  /** Always the same object; what it shows moves on with the log. */
  readonly image: MetadataImage;
  /** Where the values of configs come from, for `configs/effective.ts`. */
  readonly configSources: BrokerConfigSources;
  /** This data folder's id (uuid text). */
  readonly directoryId: string;
  /** Who votes on the metadata log and how far it has come, as of now. */
  quorum(): QuorumDescription;
  /** Whether this node decides now. */
  readonly isActive: boolean;
  /** Node id of the active controller as far as this node knows, −1 while it knows of none. */
  activeId(): number;
  /** Resolves when the image has what the leader had committed when this node first heard of it. */
  whenCaughtUp(): Promise<void>;
  /** SHA-256 of the image's contents: the same records, the same hash, whoever applied them, replayed or from a snapshot. */
  imageHash(): string;
  /**
   * Decides, appends, commits, applies, answers. Rejects with `BrokerError`: `not-controller` on a node that is not active
   * (`createTopics` excepted, which is forwarded) or stops being so, others once the log has failed or closed.
   */
  submit<C extends Command>(command: C): Promise<ResultOf<C>>;
  /**
   * Hears every committed batch of records after it has been applied to `image`; returns the way to stop. Commands are
   * answered, and the next batch is applied, when everybody has followed.
   */
  onChange(listener: (delta: readonly MetadataRecord[]) => void | Promise<void>): () => void;
  /** A producer id that nobody else in any region has or will get. */
  nextProducerId(): Promise<number>;
}
