/**
 * Makes a node's controller out of its config and its part in the quorum. Called once by the node's start; it lives from
 * `quorum.start` on.
 */
import type { Io, Logger } from '@meridian/io';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import { BROKER_CONFIGS } from './configs/broker-configs.ts';
import type { DataFolder } from './data-folder.ts';
import type { DecideContext } from './decide/decision.ts';
import { QuorumController } from './quorum-controller.ts';
import { randomUuid } from './random-uuid.ts';
import type { SnapshotSettings } from './snapshot-writer.ts';

export interface ControllerConfig {
  /** 1–4095; producer ids are `regionId × 2^40 + n`. */
  readonly regionId: number;
  readonly nodeId: number;
  /** All regions' names: reserved as prefixes of topic names. */
  readonly regions: readonly string[];
  readonly defaultPartitions: number;
  /** 1 when absent. */
  readonly defaultReplicationFactor?: number;
  /** Values by Kafka's broker config names (`log.retention.ms`, …) that this process was started with. */
  readonly staticConfigs?: ReadonlyMap<string, string>;
}

export function createController(options: {
  readonly io: Io;
  readonly log: Logger;
  readonly config: ControllerConfig;
  readonly folder: Pick<DataFolder, 'clusterId' | 'directoryId'>;
  readonly quorum: QuorumNode;
}): QuorumController {
  const { io, log, config, folder, quorum } = options;
  const { clusterId, directoryId } = folder;
  const voterIds = () => quorum.describe().voters.map(({ id }) => id);
  const context = { ...decideContext(io, config), voterIds };
  const snapshots = snapshotSettings(context.staticConfigs);
  return new QuorumController({ io, log, quorum, clusterId, directoryId, context, snapshots });
}

function decideContext(io: Io, config: ControllerConfig): Omit<DecideContext, 'sessions'> {
  return {
    regionId: config.regionId,
    regions: config.regions,
    nodeId: config.nodeId,
    defaultPartitions: config.defaultPartitions,
    defaultReplicationFactor: config.defaultReplicationFactor ?? 1,
    staticConfigs: config.staticConfigs ?? new Map(),
    newUuid: () => randomUuid(io.random),
    random: () => io.random.next(),
  };
}

function snapshotSettings(staticConfigs: ReadonlyMap<string, string>): SnapshotSettings {
  const value = (name: string): number => Number(staticConfigs.get(name) ?? BROKER_CONFIGS.get(name)!.default);
  return {
    maxBytesBetween: value('metadata.log.max.record.bytes.between.snapshots'),
    maxIntervalMs: value('metadata.log.max.snapshot.interval.ms'),
  };
}
