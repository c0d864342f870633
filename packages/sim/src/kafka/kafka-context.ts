/** What the handlers of the simulated Apache Kafka share: its world, its disk, its coordinator, and whom to wake. */
import type { Io } from '@meridian/io';
import type { SimKafkaDisk, SimTopic } from './sim-kafka-disk.ts';
import type { TxnCoordinator } from './txn-coordinator.ts';

export interface KafkaContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly disk: SimKafkaDisk;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  /** `group.initial.rebalance.delay.ms`. */
  readonly initialRebalanceDelayMs: number;
  readonly transactions: TxnCoordinator;
  /** By name, or by id where there is none. */
  topicOf(name: string, id: string): SimTopic | undefined;
  /** Kafka's code for a topic that is not there, by how it was asked for. */
  unknown(name: string): number;
  /** Logs have changed. */
  wake(): void;
  /** Returns what ends it. */
  onWake(run: () => void): () => void;
}
