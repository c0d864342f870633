/**
 * GetTelemetrySubscriptions: which metrics the client should push, and how often (KIP-714).
 * Invariant: an error carries nothing but its code.
 */
import { ERROR, GetTelemetrySubscriptions, ZERO_UUID } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

/** zstd, lz4, gzip, snappy: as Apache Kafka prefers them. */
const ACCEPTED_COMPRESSION: readonly number[] = [4, 3, 1, 2];

export function createGetTelemetrySubscriptionsHandler({
  clientInstances,
  limits,
}: Pick<HandlerReach, 'clientInstances' | 'limits'>): Handler<typeof GetTelemetrySubscriptions> {
  return {
    api: GetTelemetrySubscriptions,
    handle(request, header) {
      const { errorCode, instanceId, subscription } = clientInstances.ask(request.clientInstanceId, header);
      const isAccepted = errorCode === ERROR.NONE;
      return {
        errorCode,
        clientInstanceId: isAccepted ? instanceId : ZERO_UUID,
        subscriptionId: isAccepted ? subscription.id : 0,
        acceptedCompressionTypes: isAccepted ? ACCEPTED_COMPRESSION : [],
        pushIntervalMs: isAccepted ? subscription.pushIntervalMs : 0,
        telemetryMaxBytes: isAccepted ? limits.maxTelemetryBytes : 0,
        deltaTemporality: isAccepted,
        requestedMetrics: isAccepted ? subscription.metrics : [],
      };
    },
  };
}
