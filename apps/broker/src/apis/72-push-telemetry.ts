/**
 * PushTelemetry: takes a client's metrics (KIP-714). They are checked and counted as taken; nothing is done with them yet.
 * Invariant: neither what came nor what it unpacks to is larger than `maxTelemetryBytes`, and unpacking stops there.
 */
import { decompress, ERROR, PushTelemetry, type RequestOf } from '@meridian/protocol';
import { type Codec, RecordBatchError } from '@meridian/protocol/record-batch';
import type { Handler, HandlerReach } from './handler.ts';

const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function createPushTelemetryHandler({
  clientInstances,
  limits,
}: Pick<HandlerReach, 'clientInstances' | 'limits'>): Handler<typeof PushTelemetry> {
  return {
    api: PushTelemetry,
    handle(request, header) {
      const refusal = clientInstances.push(request.clientInstanceId, request, header);
      return { errorCode: refusal === ERROR.NONE ? check(request, limits.maxTelemetryBytes) : refusal };
    },
  };
}

function check({ compressionType, metrics }: RequestOf<typeof PushTelemetry>, maxBytes: number): number {
  const codec = CODECS[compressionType];
  if (codec === undefined) return ERROR.UNSUPPORTED_COMPRESSION_TYPE;
  if (metrics.length > maxBytes) return ERROR.TELEMETRY_TOO_LARGE;
  if (metrics.length === 0) return ERROR.NONE;
  try {
    decompress(codec, metrics, maxBytes);
    return ERROR.NONE;
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
    return error.code === 'too-large' ? ERROR.TELEMETRY_TOO_LARGE : ERROR.INVALID_RECORD;
  }
}
