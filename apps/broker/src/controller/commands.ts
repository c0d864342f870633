/**
 * What may be asked of the controller, and what it answers: one pair of types per command. API handlers and the
 * broker's start build these; `decide/` has one pure function for each.
 * Invariant: a command is plain data, so it could be sent to another node and decided there.
 */
import type { BrokerEndpoint, ConfigResource, SupportedFeature } from './image.ts';

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
  /** Of the broker's registration; undefined where the asker is this very node. */
  readonly brokerEpoch?: number;
}

export interface ProducerIdBlock {
  readonly errorCode: number;
  readonly first: number;
  readonly count: number;
}

/** A start of a broker's process; asked again under the same incarnation it changes nothing. */
export interface RegisterBroker {
  readonly kind: 'registerBroker';
  readonly brokerId: number;
  /** Another cluster's is refused; undefined where the asker is this very node. */
  readonly clusterId?: string;
  readonly incarnationId: string;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  /** Ids of the log dirs that are online. */
  readonly directories: readonly string[];
  /** Feature levels that the broker knows; undefined: those of this release. */
  readonly features?: readonly SupportedFeature[];
  /** The epoch that the broker had when it stopped cleanly; −1 or undefined: it did not (KIP-966). */
  readonly previousBrokerEpoch?: number;
  /** Replicas that were found in other dirs than the metadata says. */
  readonly found?: readonly { readonly topicId: string; readonly index: number; readonly directory: string }[];
}

export interface RegisteredBroker {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** −1 on an error. */
  readonly brokerEpoch: number;
}

export interface BrokerHeartbeat {
  readonly kind: 'brokerHeartbeat';
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** Offset of the last metadata record that the broker has applied (as in Apache Kafka: not the one behind it). */
  readonly currentMetadataOffset: number;
  readonly wantFence: boolean;
  readonly wantShutDown: boolean;
  /** All log dirs that have failed since the registration. */
  readonly offlineLogDirs: readonly string[];
}

export interface HeartbeatAnswer {
  readonly errorCode: number;
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/** Asked for by the active controller itself, when a broker's session is over. An older epoch's broker is let alone. */
export interface FenceBroker {
  readonly kind: 'fenceBroker';
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface UnregisterBroker {
  readonly kind: 'unregisterBroker';
  readonly brokerId: number;
}

/** A partition's leader asks for another in-sync set. */
export interface AlterPartition {
  readonly kind: 'alterPartition';
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly topics: readonly {
    readonly topicId: string;
    readonly partitions: readonly AlteredPartition[];
  }[];
}

export interface AlteredPartition {
  readonly partitionIndex: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** An epoch of −1 is not checked (version 2 has none). */
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
  /** 0 recovered, 1 recovering from an unclean election. */
  readonly leaderRecoveryState: number;
}

export interface AlterPartitionResult {
  readonly errorCode: number;
  readonly topics: readonly {
    readonly topicId: string;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      readonly errorCode: number;
      readonly leaderId: number;
      readonly leaderEpoch: number;
      readonly isr: readonly number[];
      readonly leaderRecoveryState: number;
      readonly partitionEpoch: number;
    }[];
  }[];
}

export interface AlterPartitionReassignments {
  readonly kind: 'alterPartitionReassignments';
  readonly allowReplicationFactorChange: boolean;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      /** null: the reassignment that is under way ends where it began. */
      readonly replicas: readonly number[] | null;
    }[];
  }[];
}

export interface ReassignedPartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** A broker tells in which of its log dirs replicas lie. */
export interface AssignReplicasToDirs {
  readonly kind: 'assignReplicasToDirs';
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly directories: readonly {
    readonly id: string;
    readonly topics: readonly { readonly topicId: string; readonly partitions: readonly number[] }[];
  }[];
}

export interface AssignedReplicas {
  readonly errorCode: number;
  readonly directories: readonly {
    readonly id: string;
    readonly topics: readonly {
      readonly topicId: string;
      readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
    }[];
  }[];
}

export interface RegisterController {
  readonly kind: 'registerController';
  readonly controllerId: number;
  readonly incarnationId: string;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly features: readonly SupportedFeature[];
}

export interface UpdateFeatures {
  readonly kind: 'updateFeatures';
  readonly validateOnly: boolean;
  readonly updates: readonly FeatureUpdate[];
}

export interface FeatureUpdate {
  readonly name: string;
  /** 0 switches the feature off. */
  readonly level: number;
  /** Kafka's number: 1 upgrade, 2 safe downgrade, 3 unsafe downgrade. */
  readonly upgradeType: number;
}

/** The active controller's own, from time to time: preferred replicas that are in sync lead again where too few do. */
export interface BalanceLeaders {
  readonly kind: 'balanceLeaders';
  /** Goes on with what a round before had no room for, however little is left of it. */
  readonly goesOn?: boolean;
}

/** The same for partitions without a leader whose topics allow an unclean election. */
export interface ElectUncleanLeaders {
  readonly kind: 'electUncleanLeaders';
}

/** What such a round has done. */
export interface MovedLeaders {
  readonly moved: number;
  /** There was more to do than one round takes. */
  readonly more: boolean;
}

/** One line of an answer: what happened to one topic or resource. */
export interface Outcome {
  readonly name: string | null;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** The answer to what is done whole or not at all. */
export interface Refusable {
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
  registerBroker: { command: RegisterBroker; result: RegisteredBroker };
  brokerHeartbeat: { command: BrokerHeartbeat; result: HeartbeatAnswer };
  fenceBroker: { command: FenceBroker; result: { readonly fenced: boolean } };
  unregisterBroker: { command: UnregisterBroker; result: Refusable };
  registerController: { command: RegisterController; result: Refusable };
  alterPartition: { command: AlterPartition; result: AlterPartitionResult };
  alterPartitionReassignments: {
    command: AlterPartitionReassignments;
    result: {
      readonly topics: readonly { readonly name: string; readonly partitions: readonly ReassignedPartition[] }[];
    };
  };
  assignReplicasToDirs: { command: AssignReplicasToDirs; result: AssignedReplicas };
  updateFeatures: { command: UpdateFeatures; result: Refusable };
  balanceLeaders: { command: BalanceLeaders; result: MovedLeaders };
  electUncleanLeaders: { command: ElectUncleanLeaders; result: MovedLeaders };
}

export type Command = Commands[keyof Commands]['command'];
export type ResultOf<C extends Command> = Commands[C['kind']]['result'];
