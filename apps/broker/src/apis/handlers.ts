/**
 * All API handlers of the broker, wired. Called once by `createBroker`; an API is served when it stands here, on the
 * listeners that its declaration names.
 */
import type { Api } from '@meridian/protocol';
import { createProduceHandler } from './00-produce.ts';
import { createFetchHandler } from './01-fetch.ts';
import { createListOffsetsHandler } from './02-list-offsets.ts';
import { createMetadataHandler } from './03-metadata.ts';
import { createOffsetCommitHandler } from './08-offset-commit.ts';
import { createOffsetFetchHandler } from './09-offset-fetch.ts';
import { createFindCoordinatorHandler } from './10-find-coordinator.ts';
import { createJoinGroupHandler } from './11-join-group.ts';
import { createHeartbeatHandler } from './12-heartbeat.ts';
import { createLeaveGroupHandler } from './13-leave-group.ts';
import { createSyncGroupHandler } from './14-sync-group.ts';
import { createDescribeGroupsHandler } from './15-describe-groups.ts';
import { createListGroupsHandler } from './16-list-groups.ts';
import { createSaslHandshakeHandler } from './17-sasl-handshake.ts';
import { createApiVersionsHandler } from './18-api-versions.ts';
import { createCreateTopicsHandler } from './19-create-topics.ts';
import { createDeleteTopicsHandler } from './20-delete-topics.ts';
import { createDeleteRecordsHandler } from './21-delete-records.ts';
import { createInitProducerIdHandler } from './22-init-producer-id.ts';
import { createOffsetForLeaderEpochHandler } from './23-offset-for-leader-epoch.ts';
import { createDescribeAclsHandler } from './29-describe-acls.ts';
import { createCreateAclsHandler } from './30-create-acls.ts';
import { createDeleteAclsHandler } from './31-delete-acls.ts';
import { createDescribeConfigsHandler } from './32-describe-configs.ts';
import { createAlterConfigsHandler } from './33-alter-configs.ts';
import { createAlterReplicaLogDirsHandler } from './34-alter-replica-log-dirs.ts';
import { createDescribeLogDirsHandler } from './35-describe-log-dirs.ts';
import { createSaslAuthenticateHandler } from './36-sasl-authenticate.ts';
import { createCreatePartitionsHandler } from './37-create-partitions.ts';
import { createDeleteGroupsHandler } from './42-delete-groups.ts';
import { createElectLeadersHandler } from './43-elect-leaders.ts';
import { createIncrementalAlterConfigsHandler } from './44-incremental-alter-configs.ts';
import { createAlterPartitionReassignmentsHandler } from './45-alter-partition-reassignments.ts';
import { createListPartitionReassignmentsHandler } from './46-list-partition-reassignments.ts';
import { createOffsetDeleteHandler } from './47-offset-delete.ts';
import { createDescribeClientQuotasHandler } from './48-describe-client-quotas.ts';
import { createDescribeUserScramCredentialsHandler } from './50-describe-user-scram-credentials.ts';
import { createDescribeQuorumHandler } from './55-describe-quorum.ts';
import { createAlterPartitionHandler } from './56-alter-partition.ts';
import { createEnvelopeHandler } from './58-envelope.ts';
import { createDescribeClusterHandler } from './60-describe-cluster.ts';
import { createDescribeProducersHandler } from './61-describe-producers.ts';
import { createBrokerRegistrationHandler } from './62-broker-registration.ts';
import { createBrokerHeartbeatHandler } from './63-broker-heartbeat.ts';
import { createUnregisterBrokerHandler } from './64-unregister-broker.ts';
import { createDescribeTransactionsHandler } from './65-describe-transactions.ts';
import { createListTransactionsHandler } from './66-list-transactions.ts';
import { createControllerRegistrationHandler } from './70-controller-registration.ts';
import { createGetTelemetrySubscriptionsHandler } from './71-get-telemetry-subscriptions.ts';
import { createPushTelemetryHandler } from './72-push-telemetry.ts';
import { createAssignReplicasToDirsHandler } from './73-assign-replicas-to-dirs.ts';
import { createListConfigResourcesHandler } from './74-list-config-resources.ts';
import { createDescribeTopicPartitionsHandler } from './75-describe-topic-partitions.ts';
import { createForwarding } from './forwarding.ts';
import { isForwardable } from './forwarding-refusals.ts';
import type { AnyHandler, HandlerReach } from './handler.ts';

export function createHandlers(given: Omit<HandlerReach, 'served'>): readonly AnyHandler[] {
  const served: Api[] = [];
  const reach: HandlerReach = { ...given, served };
  const own: AnyHandler[] = [
    createProduceHandler(reach),
    createFetchHandler(reach),
    createListOffsetsHandler(reach),
    createMetadataHandler(reach),
    createOffsetCommitHandler(reach),
    createOffsetFetchHandler(reach),
    createFindCoordinatorHandler(reach),
    createJoinGroupHandler(reach),
    createHeartbeatHandler(reach),
    createLeaveGroupHandler(reach),
    createSyncGroupHandler(reach),
    createDescribeGroupsHandler(reach),
    createListGroupsHandler(reach),
    createSaslHandshakeHandler(),
    createApiVersionsHandler(reach),
    createCreateTopicsHandler(reach),
    createDeleteTopicsHandler(reach),
    createDeleteRecordsHandler(reach),
    createInitProducerIdHandler(reach),
    createOffsetForLeaderEpochHandler(reach),
    createDescribeAclsHandler(),
    createCreateAclsHandler(),
    createDeleteAclsHandler(),
    createDescribeConfigsHandler(reach),
    createAlterConfigsHandler(reach),
    createAlterReplicaLogDirsHandler(reach),
    createDescribeLogDirsHandler(reach),
    createSaslAuthenticateHandler(),
    createCreatePartitionsHandler(reach),
    createDeleteGroupsHandler(reach),
    createElectLeadersHandler(reach),
    createIncrementalAlterConfigsHandler(reach),
    createAlterPartitionReassignmentsHandler(reach),
    createListPartitionReassignmentsHandler(reach),
    createOffsetDeleteHandler(reach),
    createDescribeClientQuotasHandler(),
    createDescribeUserScramCredentialsHandler(),
    createDescribeQuorumHandler(reach),
    createAlterPartitionHandler(reach),
    createDescribeClusterHandler(reach),
    createDescribeProducersHandler(reach),
    createBrokerRegistrationHandler(reach),
    createBrokerHeartbeatHandler(reach),
    createUnregisterBrokerHandler(reach),
    createDescribeTransactionsHandler(),
    createListTransactionsHandler(),
    createControllerRegistrationHandler(reach),
    createGetTelemetrySubscriptionsHandler(reach),
    createPushTelemetryHandler(reach),
    createAssignReplicasToDirsHandler(reach),
    createListConfigResourcesHandler(reach),
    createDescribeTopicPartitionsHandler(reach),
  ];
  const forwardable = own.filter(({ api }) => isForwardable(api.key));
  const handlers = [
    ...own.map((handler) => (forwardable.includes(handler) ? createForwarding(handler, reach) : handler)),
    createEnvelopeHandler(reach, forwardable),
  ];
  served.push(...handlers.map(({ api }) => api));
  return handlers;
}
