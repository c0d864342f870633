/**
 * The handlers that every node has, whatever its roles: what is the active controller's business or can be told from the
 * metadata alone, and how a connection begins. They need no partitions, so they work from a node's first moment on.
 */
import { createSaslHandshakeHandler } from './17-sasl-handshake.ts';
import { createApiVersionsHandler } from './18-api-versions.ts';
import { createCreateTopicsHandler } from './19-create-topics.ts';
import { createDeleteTopicsHandler } from './20-delete-topics.ts';
import { createAlterConfigsHandler } from './33-alter-configs.ts';
import { createSaslAuthenticateHandler } from './36-sasl-authenticate.ts';
import { createCreatePartitionsHandler } from './37-create-partitions.ts';
import { createElectLeadersHandler } from './43-elect-leaders.ts';
import { createIncrementalAlterConfigsHandler } from './44-incremental-alter-configs.ts';
import { createAlterPartitionReassignmentsHandler } from './45-alter-partition-reassignments.ts';
import { createListPartitionReassignmentsHandler } from './46-list-partition-reassignments.ts';
import { createDescribeQuorumHandler } from './55-describe-quorum.ts';
import { createAlterPartitionHandler } from './56-alter-partition.ts';
import { createUpdateFeaturesHandler } from './57-update-features.ts';
import { createDescribeClusterHandler } from './60-describe-cluster.ts';
import { createBrokerRegistrationHandler } from './62-broker-registration.ts';
import { createBrokerHeartbeatHandler } from './63-broker-heartbeat.ts';
import { createUnregisterBrokerHandler } from './64-unregister-broker.ts';
import { createAllocateProducerIdsHandler } from './67-allocate-producer-ids.ts';
import { createControllerRegistrationHandler } from './70-controller-registration.ts';
import { createAssignReplicasToDirsHandler } from './73-assign-replicas-to-dirs.ts';
import type { AnyHandler, HandlerReach } from './handler.ts';

export type ControllerReach = Pick<
  HandlerReach,
  'facts' | 'image' | 'submit' | 'isActive' | 'channel' | 'configSources' | 'quorum' | 'random' | 'served'
>;

export function createControllerHandlers(reach: ControllerReach): AnyHandler[] {
  return [
    createSaslHandshakeHandler(),
    createApiVersionsHandler(reach),
    createCreateTopicsHandler(reach),
    createDeleteTopicsHandler(reach),
    createAlterConfigsHandler(reach),
    createSaslAuthenticateHandler(),
    createCreatePartitionsHandler(reach),
    createElectLeadersHandler(reach),
    createIncrementalAlterConfigsHandler(reach),
    createAlterPartitionReassignmentsHandler(reach),
    createListPartitionReassignmentsHandler(reach),
    createDescribeQuorumHandler(reach),
    createAlterPartitionHandler(reach),
    createUpdateFeaturesHandler(reach),
    createDescribeClusterHandler(reach),
    createBrokerRegistrationHandler(reach),
    createBrokerHeartbeatHandler(reach),
    createUnregisterBrokerHandler(reach),
    createAllocateProducerIdsHandler(reach),
    createControllerRegistrationHandler(reach),
    createAssignReplicasToDirsHandler(reach),
  ];
}
