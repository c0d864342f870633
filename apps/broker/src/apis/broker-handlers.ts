/**
 * The handlers of a broker: records, groups, and what is told of topics, log dirs and configs. They need the partitions, and
 * wait until those are open.
 */
import { createProduceHandler } from './00-produce.ts';
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
import { createDeleteRecordsHandler } from './21-delete-records.ts';
import { createInitProducerIdHandler } from './22-init-producer-id.ts';
import { createOffsetForLeaderEpochHandler } from './23-offset-for-leader-epoch.ts';
import { createDescribeAclsHandler } from './29-describe-acls.ts';
import { createCreateAclsHandler } from './30-create-acls.ts';
import { createDeleteAclsHandler } from './31-delete-acls.ts';
import { createDescribeConfigsHandler } from './32-describe-configs.ts';
import { createAlterReplicaLogDirsHandler } from './34-alter-replica-log-dirs.ts';
import { createDescribeLogDirsHandler } from './35-describe-log-dirs.ts';
import { createDeleteGroupsHandler } from './42-delete-groups.ts';
import { createOffsetDeleteHandler } from './47-offset-delete.ts';
import { createDescribeClientQuotasHandler } from './48-describe-client-quotas.ts';
import { createDescribeUserScramCredentialsHandler } from './50-describe-user-scram-credentials.ts';
import { createDescribeProducersHandler } from './61-describe-producers.ts';
import { createDescribeTransactionsHandler } from './65-describe-transactions.ts';
import { createListTransactionsHandler } from './66-list-transactions.ts';
import { createGetTelemetrySubscriptionsHandler } from './71-get-telemetry-subscriptions.ts';
import { createPushTelemetryHandler } from './72-push-telemetry.ts';
import { createListConfigResourcesHandler } from './74-list-config-resources.ts';
import { createDescribeTopicPartitionsHandler } from './75-describe-topic-partitions.ts';
import type { AnyHandler, HandlerReach } from './handler.ts';

/** All but Fetch, which the quorum has a part in. */
export function createBrokerHandlers(reach: HandlerReach): AnyHandler[] {
  return [
    createProduceHandler(reach),
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
    createDeleteRecordsHandler(reach),
    createInitProducerIdHandler(reach),
    createOffsetForLeaderEpochHandler(reach),
    createDescribeAclsHandler(),
    createCreateAclsHandler(),
    createDeleteAclsHandler(),
    createDescribeConfigsHandler(reach),
    createAlterReplicaLogDirsHandler(reach),
    createDescribeLogDirsHandler(reach),
    createDeleteGroupsHandler(reach),
    createOffsetDeleteHandler(reach),
    createDescribeClientQuotasHandler(),
    createDescribeUserScramCredentialsHandler(),
    createDescribeProducersHandler(reach),
    createDescribeTransactionsHandler(),
    createListTransactionsHandler(),
    createGetTelemetrySubscriptionsHandler(reach),
    createPushTelemetryHandler(reach),
    createListConfigResourcesHandler(reach),
    createDescribeTopicPartitionsHandler(reach),
  ];
}
