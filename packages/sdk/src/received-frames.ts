/**
 * Turns what a socket receives into inputs of the session machine, and deliveries into messages. Used by the shell.
 * Invariant: a frame that is not in the protocol becomes a `violation`, a batch that cannot be read an
 * `undecodable`; neither throws.
 */
import { type Decompress, iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import { unpackBinary } from './binary-frames.ts';
import {
  type BatchHeader,
  BINARY_KINDS,
  type MessagesFrame,
  type ServerFrame,
  type UndecodableFrame,
} from './frames.ts';
import { LIMITS } from './limits.ts';
import { BytesMessage, JsonMessage, type Message } from './message.ts';
import type { Input, ReceivedBatch } from './session/inputs-effects.ts';

export function readFrame(data: string | Uint8Array): Input {
  try {
    if (typeof data !== 'string') return { type: 'batch', batch: readBatch(data) };
    const frame = JSON.parse(data) as ServerFrame;
    if (typeof frame !== 'object' || frame === null || typeof frame.type !== 'string') throw new Error('no frame');
    return { type: 'frame', frame, bytes: utf8Bytes(data) };
  } catch (error) {
    return { type: 'violation', message: `the gateway sent what is no frame: ${(error as Error).message}` };
  }
}

/** As sent: credits are counted in bytes, and must come out even with the gateway's count. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

function readBatch(data: Uint8Array): ReceivedBatch {
  const { kind, header, batches } = unpackBinary<BatchHeader>(data);
  if (kind !== BINARY_KINDS.batch || typeof header.topic !== 'string') throw new Error(`binary frame of kind ${kind}`);
  let records = 0;
  let firstOffset = -1;
  let nextOffset = -1;
  for (const { header: batch } of iterateBatches(batches)) {
    if (firstOffset < 0) firstOffset = batch.baseOffset;
    nextOffset = batch.nextOffset;
    records += batch.recordCount;
  }
  return { header: header as BatchHeader, batches, records, firstOffset, nextOffset, bytes: data.length };
}

/** The records from `fromOffset` on. */
export function* messagesOf(frame: MessagesFrame, fromOffset: number): Generator<Message, void, undefined> {
  for (const record of frame.records) if (record.offset >= fromOffset) yield new JsonMessage(frame, record);
}

/** The same for raw batches; control batches have no records for anybody. What cannot be read is yielded as such. */
export function* batchMessages(
  received: ReceivedBatch,
  fromOffset: number,
  decompress: Decompress | undefined,
): Generator<Message | UndecodableFrame, void, undefined> {
  const { header: place } = received;
  const options = { maxDecompressedBytes: LIMITS.maxDecompressedBytes, decompress };
  for (const { header, bytes } of iterateBatches(received.batches)) {
    if (header.isControl || header.nextOffset <= fromOffset) continue;
    let at = Math.max(fromOffset, header.baseOffset);
    try {
      for (const record of readRecords(bytes, options)) {
        if (record.offset < at) continue;
        at = record.offset + 1;
        yield new BytesMessage(place, record);
      }
    } catch (error) {
      yield { type: 'undecodable', ...place, from: at, to: header.nextOffset, reason: (error as Error).message };
    }
  }
}
