/**
 * Every API that is declared, by key: what can be encoded and decoded. A broker serves and advertises those of them that
 * it has a handler for. To add an API, write its file and list it here.
 */

import { decodeRequestHeader as decodeHeader, type RequestHeader } from '../codec/codec.ts';
import type { Api } from '../codec/schema.ts';
import { Produce } from './00-produce.ts';
import { Fetch } from './01-fetch.ts';
import { ListOffsets } from './02-list-offsets.ts';
import { Metadata } from './03-metadata.ts';
import { OffsetCommit } from './08-offset-commit.ts';
import { OffsetFetch } from './09-offset-fetch.ts';
import { FindCoordinator } from './10-find-coordinator.ts';
import { JoinGroup } from './11-join-group.ts';
import { Heartbeat } from './12-heartbeat.ts';
import { LeaveGroup } from './13-leave-group.ts';
import { SyncGroup } from './14-sync-group.ts';
import { DescribeGroups } from './15-describe-groups.ts';
import { ListGroups } from './16-list-groups.ts';
import { SaslHandshake } from './17-sasl-handshake.ts';
import { ApiVersions } from './18-api-versions.ts';
import { CreateTopics } from './19-create-topics.ts';
import { DeleteTopics } from './20-delete-topics.ts';
import { DeleteRecords } from './21-delete-records.ts';
import { InitProducerId } from './22-init-producer-id.ts';
import { OffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts';
import { AddPartitionsToTxn } from './24-add-partitions-to-txn.ts';
import { AddOffsetsToTxn } from './25-add-offsets-to-txn.ts';
import { EndTxn } from './26-end-txn.ts';
import { WriteTxnMarkers } from './27-write-txn-markers.ts';
import { TxnOffsetCommit } from './28-txn-offset-commit.ts';
import { DescribeAcls } from './29-describe-acls.ts';
import { CreateAcls } from './30-create-acls.ts';
import { DeleteAcls } from './31-delete-acls.ts';
import { DescribeConfigs } from './32-describe-configs.ts';
import { AlterConfigs } from './33-alter-configs.ts';
import { AlterReplicaLogDirs } from './34-alter-replica-log-dirs.ts';
import { DescribeLogDirs } from './35-describe-log-dirs.ts';
import { SaslAuthenticate } from './36-sasl-authenticate.ts';
import { CreatePartitions } from './37-create-partitions.ts';
import { DeleteGroups } from './42-delete-groups.ts';
import { ElectLeaders } from './43-elect-leaders.ts';
import { IncrementalAlterConfigs } from './44-incremental-alter-configs.ts';
import { AlterPartitionReassignments } from './45-alter-partition-reassignments.ts';
import { ListPartitionReassignments } from './46-list-partition-reassignments.ts';
import { OffsetDelete } from './47-offset-delete.ts';
import { DescribeClientQuotas } from './48-describe-client-quotas.ts';
import { DescribeUserScramCredentials } from './50-describe-user-scram-credentials.ts';
import { Vote } from './52-vote.ts';
import { BeginQuorumEpoch } from './53-begin-quorum-epoch.ts';
import { EndQuorumEpoch } from './54-end-quorum-epoch.ts';
import { DescribeQuorum } from './55-describe-quorum.ts';
import { AlterPartition } from './56-alter-partition.ts';
import { UpdateFeatures } from './57-update-features.ts';
import { Envelope } from './58-envelope.ts';
import { FetchSnapshot } from './59-fetch-snapshot.ts';
import { DescribeCluster } from './60-describe-cluster.ts';
import { DescribeProducers } from './61-describe-producers.ts';
import { BrokerRegistration } from './62-broker-registration.ts';
import { BrokerHeartbeat } from './63-broker-heartbeat.ts';
import { UnregisterBroker } from './64-unregister-broker.ts';
import { DescribeTransactions } from './65-describe-transactions.ts';
import { ListTransactions } from './66-list-transactions.ts';
import { AllocateProducerIds } from './67-allocate-producer-ids.ts';
import { ControllerRegistration } from './70-controller-registration.ts';
import { GetTelemetrySubscriptions } from './71-get-telemetry-subscriptions.ts';
import { PushTelemetry } from './72-push-telemetry.ts';
import { AssignReplicasToDirs } from './73-assign-replicas-to-dirs.ts';
import { ListConfigResources } from './74-list-config-resources.ts';
import { DescribeTopicPartitions } from './75-describe-topic-partitions.ts';
import { AddRaftVoter } from './80-add-raft-voter.ts';
import { RemoveRaftVoter } from './81-remove-raft-voter.ts';
import { UpdateRaftVoter } from './82-update-raft-voter.ts';

export {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  AddRaftVoter,
  AllocateProducerIds,
  AlterConfigs,
  AlterPartition,
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  ApiVersions,
  AssignReplicasToDirs,
  BeginQuorumEpoch,
  BrokerHeartbeat,
  BrokerRegistration,
  ControllerRegistration,
  CreateAcls,
  CreatePartitions,
  CreateTopics,
  DeleteAcls,
  DeleteGroups,
  DeleteRecords,
  DeleteTopics,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeCluster,
  DescribeConfigs,
  DescribeGroups,
  DescribeLogDirs,
  DescribeProducers,
  DescribeQuorum,
  DescribeTopicPartitions,
  DescribeTransactions,
  DescribeUserScramCredentials,
  ElectLeaders,
  EndQuorumEpoch,
  EndTxn,
  Envelope,
  Fetch,
  FetchSnapshot,
  FindCoordinator,
  GetTelemetrySubscriptions,
  Heartbeat,
  IncrementalAlterConfigs,
  InitProducerId,
  JoinGroup,
  LeaveGroup,
  ListConfigResources,
  ListGroups,
  ListOffsets,
  ListPartitionReassignments,
  ListTransactions,
  Metadata,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  OffsetForLeaderEpoch,
  Produce,
  PushTelemetry,
  RemoveRaftVoter,
  SaslAuthenticate,
  SaslHandshake,
  SyncGroup,
  TxnOffsetCommit,
  UnregisterBroker,
  UpdateFeatures,
  UpdateRaftVoter,
  Vote,
  WriteTxnMarkers,
};

/** All APIs by ascending key. */
export const APIS: readonly Api[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  AddPartitionsToTxn,
  AddOffsetsToTxn,
  EndTxn,
  WriteTxnMarkers,
  TxnOffsetCommit,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  AlterReplicaLogDirs,
  DescribeLogDirs,
  SaslAuthenticate,
  CreatePartitions,
  DeleteGroups,
  ElectLeaders,
  IncrementalAlterConfigs,
  AlterPartitionReassignments,
  ListPartitionReassignments,
  OffsetDelete,
  DescribeClientQuotas,
  DescribeUserScramCredentials,
  Vote,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  DescribeQuorum,
  AlterPartition,
  UpdateFeatures,
  Envelope,
  FetchSnapshot,
  DescribeCluster,
  DescribeProducers,
  BrokerRegistration,
  BrokerHeartbeat,
  UnregisterBroker,
  DescribeTransactions,
  ListTransactions,
  AllocateProducerIds,
  ControllerRegistration,
  GetTelemetrySubscriptions,
  PushTelemetry,
  AssignReplicasToDirs,
  ListConfigResources,
  DescribeTopicPartitions,
  AddRaftVoter,
  RemoveRaftVoter,
  UpdateRaftVoter,
];

const BY_KEY: readonly (Api | undefined)[] = APIS.reduce<(Api | undefined)[]>((table, api) => {
  table[api.key] = api;
  return table;
}, []);

export function apiByKey(key: number): Api | undefined {
  return BY_KEY[key];
}

/**
 * The header of a request frame (without its length prefix). Of an unknown API only the header's fields are known, not
 * where its body begins.
 */
export function decodeRequestHeader(frame: Buffer): RequestHeader & { readonly bodyOffset: number } {
  return decodeHeader(frame, (key) => BY_KEY[key]?.flexibleFrom);
}
