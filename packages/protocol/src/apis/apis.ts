/**
 * Every API that is declared, by key. What ApiVersions answers and what a broker dispatches on is this table; to add an
 * API, write its file and list it here.
 */

import { decodeRequestHeader as decodeHeader, type RequestHeader } from '../codec/codec.ts';
import type { Api } from '../codec/schema.ts';
import { Produce } from './00-produce.ts';
import { Fetch } from './01-fetch.ts';
import { ListOffsets } from './02-list-offsets.ts';
import { Metadata } from './03-metadata.ts';
import { FindCoordinator } from './10-find-coordinator.ts';
import { SaslHandshake } from './17-sasl-handshake.ts';
import { ApiVersions } from './18-api-versions.ts';
import { CreateTopics } from './19-create-topics.ts';
import { DeleteTopics } from './20-delete-topics.ts';
import { InitProducerId } from './22-init-producer-id.ts';
import { OffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts';
import { DescribeConfigs } from './32-describe-configs.ts';
import { SaslAuthenticate } from './36-sasl-authenticate.ts';
import { CreatePartitions } from './37-create-partitions.ts';
import { DescribeCluster } from './60-describe-cluster.ts';

export {
  ApiVersions,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeConfigs,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
  SaslAuthenticate,
  SaslHandshake,
};

/** All APIs by ascending key. */
export const APIS: readonly Api[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  FindCoordinator,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeConfigs,
  SaslAuthenticate,
  CreatePartitions,
  DescribeCluster,
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
