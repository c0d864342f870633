/**
 * A raw batch from a client of the binary subprotocol, turned into a publish. The brokers' internal listener looks at
 * headers only, so everything is checked here, as a broker's client listener would.
 * Invariant: a batch that gets through is whole, dense, has the right CRC, and bears no producer but the session's.
 */
import { decompress, nativeCrc32c } from '@meridian/protocol';
import { BATCH_HEADER_BYTES, batchCrcValid, NO_PRODUCER_ID, validateRecords } from '@meridian/protocol/record-batch';
import { BINARY_KINDS, type PublishBatchHeader, unpackBinary } from '@meridian/sdk/frames';
import { checkTopic } from '@meridian/tenancy';
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { countField, idOf, optionalCount, refuse, textField } from '../session/fields.ts';
import type { ProducerIdentity, PublishRequest } from './publish-request.ts';

const MAX_INT32 = 2 ** 31 - 1;

export interface RawPublish {
  readonly id: number;
  readonly request: PublishRequest;
  /** The producer that the batch names, if it names one. */
  readonly claimed: ProducerIdentity | undefined;
}

/** Throws `bad-request` or `too-large`; `onId` is told the id as soon as it is known, for the answer. */
export function readRawPublish(frame: Buffer, onId: (id: number) => void): RawPublish {
  const { kind, header: fields, batches } = unpack(frame);
  const id = idOf(fields);
  if (id === undefined) throw refuse('id must be a whole number');
  onId(id);
  if (kind !== BINARY_KINDS.publish) throw refuse(`binary frames of kind ${kind} are not taken`);
  const topic = checkTopic(textField(fields, 'topic', 1024));
  const partition = countField(fields, 'partition', MAX_INT32);
  const sequence = optionalCount(fields, 'sequence', MAX_INT32);
  const batch = Buffer.from(batches.buffer, batches.byteOffset, batches.length);
  if (batch.length > LIMITS.maxRecordBytes) {
    throw new GatewayError('too-large', `a batch has at most ${LIMITS.maxRecordBytes} bytes`);
  }
  const { producerId, producerEpoch, baseSequence, recordCount } = checkBatch(batch);
  if (sequence === undefined && producerId !== NO_PRODUCER_ID) throw refuse('a batch with a producer needs a sequence');
  if (sequence !== undefined && producerId !== NO_PRODUCER_ID && baseSequence !== sequence) {
    throw refuse('sequence is not that of the batch');
  }
  const request = {
    topic,
    partition,
    sequence,
    record: undefined,
    batch,
    count: recordCount,
    sizeInBytes: batch.length,
  };
  return { id, request, claimed: producerId === NO_PRODUCER_ID ? undefined : { producerId, producerEpoch } };
}

function unpack(frame: Buffer) {
  try {
    return unpackBinary<PublishBatchHeader>(frame);
  } catch (cause) {
    throw new GatewayError('bad-request', (cause as Error).message, { cause });
  }
}

function checkBatch(batch: Buffer) {
  try {
    if (batch.length < BATCH_HEADER_BYTES) throw refuse('no batch');
    const maxDecompressedBytes = LIMITS.maxDecompressedBatchBytes;
    const { header } = validateRecords(batch, { offsets: 'dense', decompress, maxDecompressedBytes });
    if (header.sizeInBytes !== batch.length) throw refuse('exactly one batch');
    if (header.baseOffset !== 0 || header.recordCount === 0) throw refuse('a batch begins at offset 0 and has records');
    if (header.isControl || header.isTransactional) throw refuse('control and transactional batches are not taken');
    if (!batchCrcValid(batch, nativeCrc32c)) throw refuse('the checksum does not match the batch');
    return header;
  } catch (cause) {
    if (cause instanceof GatewayError || typeof (cause as { code?: unknown }).code !== 'string') throw cause;
    throw new GatewayError('bad-request', (cause as Error).message, { cause });
  }
}
