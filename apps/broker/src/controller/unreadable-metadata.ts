/**
 * What it means that metadata cannot be read: a newer release wrote it, or it is damaged. Called by whoever decodes or
 * applies metadata records.
 * Invariant: what cannot be read is refused, never skipped over.
 */
import { ProtocolError } from '@meridian/protocol';
import { RecordBatchError } from '@meridian/protocol/record-batch';
import { BrokerError } from '../errors.ts';

const NEWER_CODES: readonly string[] = ['unknown-record-type', 'unsupported-frame-version', 'unsupported-version'];

/** The coded error for what was thrown; `where` names the folder or the offset. */
export function asMetadataError(error: unknown, where: string): BrokerError {
  if (error instanceof BrokerError) return error;
  const detail = `${where}: ${error instanceof Error ? error.message : String(error)}`;
  if (error instanceof ProtocolError) {
    return new BrokerError(NEWER_CODES.includes(error.code) ? 'folder-newer' : 'folder-corrupt', detail, {
      cause: error,
    });
  }
  if (error instanceof RecordBatchError) return new BrokerError('folder-corrupt', detail, { cause: error });
  return new BrokerError('metadata-log-failed', detail, { cause: error });
}
