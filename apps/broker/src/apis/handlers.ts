/**
 * All API handlers of the broker, wired. Called once by `createBroker`; an API is served when it stands here, on the
 * listeners that its declaration names.
 */
import type { Api } from '@meridian/protocol';
import { createProduceHandler } from './00-produce.ts';
import { createFetchHandler } from './01-fetch.ts';
import { createListOffsetsHandler } from './02-list-offsets.ts';
import { createMetadataHandler } from './03-metadata.ts';
import { createFindCoordinatorHandler } from './10-find-coordinator.ts';
import { createSaslHandshakeHandler } from './17-sasl-handshake.ts';
import { createApiVersionsHandler } from './18-api-versions.ts';
import { createCreateTopicsHandler } from './19-create-topics.ts';
import { createDeleteTopicsHandler } from './20-delete-topics.ts';
import { createInitProducerIdHandler } from './22-init-producer-id.ts';
import { createOffsetForLeaderEpochHandler } from './23-offset-for-leader-epoch.ts';
import { createDescribeConfigsHandler } from './32-describe-configs.ts';
import { createSaslAuthenticateHandler } from './36-sasl-authenticate.ts';
import { createCreatePartitionsHandler } from './37-create-partitions.ts';
import { createDescribeClusterHandler } from './60-describe-cluster.ts';
import type { AnyHandler, HandlerReach } from './handler.ts';

export function createHandlers(given: Omit<HandlerReach, 'served'>): readonly AnyHandler[] {
  const served: Api[] = [];
  const reach: HandlerReach = { ...given, served };
  const handlers: AnyHandler[] = [
    createProduceHandler(reach),
    createFetchHandler(reach),
    createListOffsetsHandler(reach),
    createMetadataHandler(reach),
    createFindCoordinatorHandler(reach),
    createSaslHandshakeHandler(),
    createApiVersionsHandler(reach),
    createCreateTopicsHandler(reach),
    createDeleteTopicsHandler(reach),
    createInitProducerIdHandler(reach),
    createOffsetForLeaderEpochHandler(reach),
    createDescribeConfigsHandler(reach),
    createSaslAuthenticateHandler(),
    createCreatePartitionsHandler(reach),
    createDescribeClusterHandler(reach),
  ];
  served.push(...handlers.map(({ api }) => api));
  return handlers;
}
