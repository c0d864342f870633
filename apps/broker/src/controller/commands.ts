/**
 * What may be asked of the controller, and what it answers: one pair of types per command. API handlers and the
 * broker's start build these; `decide/` has one pure function for each.
 * Invariant: a command is plain data, so it could be sent to another node and decided there.
 */
import type { BrokerEndpoint, ConfigResource } from './image.ts';

/** Whose listener the request came in on; the internal one may do more (copies, `meridian.origin.*`). */
export type Requester = 'client' | 'internal';

export interface CreateTopics {
  readonly kind: 'createTopics';
  readonly requester: Requester;
  readonly validateOnly: boolean;
  readonly topics: readonly NewTopic[];
}

export interface NewTopic {
  readonly name: string;
  /** −1: the broker's default, or as `assignments` say. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface CreateTopicsResult {
  readonly topics: readonly CreatedTopic[];
}

export interface CreatedTopic {
  readonly name: string;
  /** `ZERO_UUID` on an error. */
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** −1 on an error. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** What the topic has been given by name (defaults left out). */
  readonly configs: ReadonlyMap<string, string>;
}

export interface CreatePartitions {
  readonly kind: 'createPartitions';
  readonly requester: Requester;
  readonly validateOnly: boolean;
  readonly topics: readonly {
    readonly name: string;
    /** The new total. */
    readonly count: number;
    /** Replicas of each new partition; null: the controller places them. */
    readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
  }[];
}

export interface DeleteTopics {
  readonly kind: 'deleteTopics';
  readonly requester: Requester;
  /** Either by name or by id. */
  readonly topics: readonly { readonly name: string | null; readonly topicId: string }[];
}

/** Sets (`value`) or clears (null) values of one resource each, or changes lists; all or nothing per resource. */
export interface AlterConfigs {
  readonly kind: 'alterConfigs';
  readonly requester: Requester;
  readonly validateOnly: boolean;
  readonly resources: readonly {
    readonly resource: ConfigResource;
    readonly name: string;
    readonly changes: readonly ConfigChange[];
    /** Whatever is not named is cleared. */
    readonly replaces?: boolean;
  }[];
}

export interface ConfigChange {
  readonly name: string;
  readonly value: string | null;
  /** The value's elements join a list, or leave it, instead of replacing it. */
  readonly list?: 'append' | 'subtract' | undefined;
}

export interface ElectLeaders {
  readonly kind: 'electLeaders';
  /** `unclean`: where there is no leader, any replica that lives, at the price of data. */
  readonly election: 'preferred' | 'unclean';
  /** null: all partitions. */
  readonly partitions: readonly { readonly topic: string; readonly index: number }[] | null;
}

export interface ElectedPartition {
  readonly topic: string;
  /** Undefined: the topic was looked at (when all were asked for). */
  readonly index: number | undefined;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export interface AllocateProducerIds {
  readonly kind: 'allocateProducerIds';
  readonly brokerId: number;
}

export interface ProducerIdBlock {
  readonly errorCode: number;
  readonly first: number;
  readonly count: number;
}

export interface RegisterBroker {
  readonly kind: 'registerBroker';
  readonly brokerId: number;
  readonly incarnationId: string;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  /** Ids of the log dirs that are online. */
  readonly directories: readonly string[];
  /** Replicas that were found in other dirs than the metadata says. */
  readonly found?: readonly { readonly topicId: string; readonly index: number; readonly directory: string }[];
}

/** Log dirs of the broker have failed; these are left. */
export interface FailDirectories {
  readonly kind: 'failDirectories';
  readonly brokerId: number;
  readonly online: readonly string[];
}

/** One line of an answer: what happened to one topic or resource. */
export interface Outcome {
  readonly name: string | null;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Every command by its kind, with what it is answered with. */
interface Commands {
  createTopics: { command: CreateTopics; result: CreateTopicsResult };
  createPartitions: { command: CreatePartitions; result: { readonly topics: readonly Outcome[] } };
  deleteTopics: { command: DeleteTopics; result: { readonly topics: readonly Outcome[] } };
  alterConfigs: { command: AlterConfigs; result: { readonly resources: readonly Outcome[] } };
  electLeaders: { command: ElectLeaders; result: { readonly partitions: readonly ElectedPartition[] } };
  allocateProducerIds: { command: AllocateProducerIds; result: ProducerIdBlock };
  failDirectories: { command: FailDirectories; result: Record<string, never> };
  registerBroker: { command: RegisterBroker; result: { readonly brokerEpoch: number } };
}

export type Command = Commands[keyof Commands]['command'];
export type ResultOf<C extends Command> = Commands[C['kind']]['result'];
