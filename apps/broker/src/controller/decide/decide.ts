/**
 * Decides any command: one function per kind, each in its own file, all pure. Called by the controller's commit loop
 * with the image that runs ahead.
 */
import type { Command } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import { decideAllocateProducerIds } from './allocate-producer-ids.ts';
import { decideAlterConfigs } from './alter-configs.ts';
import { decideAlterPartition } from './alter-partition.ts';
import { decideAlterPartitionReassignments } from './alter-partition-reassignments.ts';
import { decideAssignReplicasToDirs } from './assign-replicas-to-dirs.ts';
import { decideBrokerHeartbeat } from './broker-heartbeat.ts';
import { decideCreatePartitions } from './create-partitions.ts';
import { decideCreateTopics } from './create-topics.ts';
import type { DecideContext, Decision } from './decision.ts';
import { decideDeleteTopics } from './delete-topics.ts';
import { decideBalanceLeaders, decideElectLeaders, decideElectUncleanLeaders } from './elect-leaders.ts';
import { decideFenceBroker } from './fence-broker.ts';
import { decideRegisterBroker } from './register-broker.ts';
import { decideRegisterController } from './register-controller.ts';
import { decideUnregisterBroker } from './unregister-broker.ts';
import { decideUpdateFeatures } from './update-features.ts';

type Decisions = {
  [K in Command['kind']]: (
    image: MetadataImage,
    command: Extract<Command, { kind: K }>,
    context: DecideContext,
  ) => Decision<unknown>;
};

const DECISIONS: Decisions = {
  createTopics: decideCreateTopics,
  createPartitions: decideCreatePartitions,
  deleteTopics: decideDeleteTopics,
  alterConfigs: decideAlterConfigs,
  electLeaders: decideElectLeaders,
  balanceLeaders: decideBalanceLeaders,
  electUncleanLeaders: (image, _, context) => decideElectUncleanLeaders(image, context),
  alterPartition: decideAlterPartition,
  alterPartitionReassignments: decideAlterPartitionReassignments,
  assignReplicasToDirs: decideAssignReplicasToDirs,
  registerBroker: decideRegisterBroker,
  brokerHeartbeat: decideBrokerHeartbeat,
  fenceBroker: decideFenceBroker,
  unregisterBroker: decideUnregisterBroker,
  registerController: decideRegisterController,
  allocateProducerIds: decideAllocateProducerIds,
  updateFeatures: decideUpdateFeatures,
};

export function decide(image: MetadataImage, command: Command, context: DecideContext): Decision<unknown> {
  // The table has each command's own function under its kind.
  const decision = DECISIONS[command.kind] as (
    image: MetadataImage,
    command: Command,
    context: DecideContext,
  ) => Decision<unknown>;
  return decision(image, command, context);
}
