/**
 * Requests and responses as whole frames, and the messages inside them. Brokers and clients call this; the code per
 * (schema, version) is compiled on first use and kept on the schema. Invariant: every byte that is decoded is checked
 * (what follows a request's last field is ignored), and the frames that come out are gather lists in which `records`
 * are the caller's own buffers.
 */
import { ProtocolError } from '../errors.ts';
import { compileDecoder } from './compile-decoder.ts';
import { compileEncoder } from './compile-encoder.ts';
import { cursor, skipTags, uvarint } from './decode-runtime.ts';
import { putString, putUvarint, writer } from './encode-runtime.ts';
import type {
  Api,
  Decoded,
  Decoder,
  Encoder,
  Fields,
  Input,
  RequestInput,
  RequestOf,
  ResponseInput,
  ResponseOf,
  Schema,
} from './schema.ts';

/** Length prefix, API key, API version, correlation id. */
const REQUEST_HEAD_BYTES = 4 + 2 + 2 + 4;
/** Length prefix, correlation id. */
const RESPONSE_HEAD_BYTES = 4 + 4;
/** The API whose responses always have header v0, so that a client of any version can read them. */
const API_VERSIONS_KEY = 18;

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

function decoderOf(schema: Schema, version: number): Decoder {
  return schema.decoders[version] ?? (schema.decoders[version] = compileDecoder(schema, checkVersion(schema, version)));
}

function encoderOf(schema: Schema, version: number): Encoder {
  return schema.encoders[version] ?? (schema.encoders[version] = compileEncoder(schema, checkVersion(schema, version)));
}

function checkVersion(schema: Schema, version: number): number {
  if (Number.isInteger(version) && version >= schema.minVersion && version <= schema.maxVersion) return version;
  throw new ProtocolError('unsupported-version', `${schema.name} v${version}`);
}

function hasFlexibleResponseHeader(api: Api, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY;
}

/** A whole request frame with its length prefix, as a gather list. */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: RequestInput<A>,
): Buffer[] {
  const encode = encoderOf(api.request, version);
  let p = writer.begin(REQUEST_HEAD_BYTES);
  // The client id keeps its two-byte length in header v2, so that a broker can read it before it knows the version.
  if (header.clientId === null) {
    p = writer.reserve(p, 2);
    p = writer.b.writeInt16BE(-1, p);
  } else p = putString(p, header.clientId, 2, 'clientId');
  if (version >= api.flexibleFrom) {
    p = writer.reserve(p, 1);
    p = putUvarint(writer.b, p, 0);
  }
  p = encode(body, p);
  const { b, head } = writer;
  b.writeInt32BE(frameLength(p), head);
  b.writeInt16BE(api.key, head + 4);
  b.writeInt16BE(version, head + 6);
  b.writeInt32BE(header.correlationId, head + 8);
  return writer.finish(p);
}

/** A whole response frame with its length prefix, as a gather list. */
export function encodeResponse<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: ResponseInput<A>,
): Buffer[] {
  const encode = encoderOf(api.response, version);
  let p = writer.begin(RESPONSE_HEAD_BYTES + 1);
  if (hasFlexibleResponseHeader(api, version)) writer.b[p - 1] = 0;
  else p--;
  p = encode(body, p);
  writer.b.writeInt32BE(frameLength(p), writer.head);
  writer.b.writeInt32BE(correlationId, writer.head + 4);
  return writer.finish(p);
}

function frameLength(p: number): number {
  const length = writer.totalBytes(p) - 4;
  if (length > 0x7fffffff) throw new ProtocolError('frame-too-large', `${length} bytes`);
  return length;
}

/**
 * The header of a request frame (without its length prefix). The API may be unknown: then the header is read as v1,
 * and nothing can be said about the body.
 */
export function decodeRequestHeader(
  frame: Buffer,
  flexibleFromOf: (apiKey: number) => number | undefined,
): RequestHeader & { readonly bodyOffset: number } {
  if (frame.length < 10) throw new ProtocolError('truncated', 'RequestHeader');
  const apiKey = frame.readInt16BE(0);
  const apiVersion = frame.readInt16BE(2);
  const correlationId = frame.readInt32BE(4);
  const length = frame.readInt16BE(8);
  if (length < -1) throw new ProtocolError('negative-length', 'RequestHeader.clientId');
  let bodyOffset = 10 + Math.max(0, length);
  if (bodyOffset > frame.length) throw new ProtocolError('truncated', 'RequestHeader.clientId');
  const clientId = length < 0 ? null : frame.toString('utf8', 10, bodyOffset);
  const flexibleFrom = flexibleFromOf(apiKey);
  if (flexibleFrom !== undefined && apiVersion >= flexibleFrom) {
    bodyOffset = skipTags(frame, bodyOffset, frame.length, 'RequestHeader');
  }
  return { apiKey, apiVersion, correlationId, clientId, bodyOffset };
}

/** The body of a request frame, which begins at `bodyOffset`. */
export function decodeRequest<A extends Api>(api: A, version: number, frame: Buffer, bodyOffset: number): RequestOf<A> {
  return decoderOf(api.request, version)(frame, bodyOffset) as RequestOf<A>;
}

/** A response frame (without its length prefix). */
export function decodeResponse<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly body: ResponseOf<A> } {
  const correlationId = responseCorrelationId(frame);
  const decode = decoderOf(api.response, version);
  const bodyOffset = hasFlexibleResponseHeader(api, version) ? skipTags(frame, 4, frame.length, 'ResponseHeader') : 4;
  return { correlationId, body: decode(frame, bodyOffset) as ResponseOf<A> };
}

/** What a client needs to find the request (and so the API) that a response frame answers. */
export function responseCorrelationId(frame: Buffer): number {
  if (frame.length < 4) throw new ProtocolError('truncated', 'ResponseHeader');
  return frame.readInt32BE(0);
}

/** One message without frame or header, as in metadata records. `prefix` unsigned varints stand before it. */
export function encodeMessage<F extends Fields>(
  schema: Schema<F>,
  version: number,
  message: Input<F>,
  prefix: readonly number[] = [],
): Buffer {
  const encode = encoderOf(schema, version);
  let p = writer.begin(0);
  p = writer.reserve(p, 1 + prefix.length * 5);
  for (const value of prefix) p = putUvarint(writer.b, p, value);
  p = encode(message, p);
  const list = writer.finish(p);
  return list.length === 1 ? list[0]! : Buffer.concat(list);
}

export function decodeMessage<F extends Fields>(
  schema: Schema<F>,
  version: number,
  bytes: Buffer,
  from = 0,
): Decoded<F> {
  return decoderOf(schema, version)(bytes, from) as Decoded<F>;
}

/** Reads `count` unsigned varints from the start of `bytes`; returns them and the offset behind them. */
export function decodeUvarints(bytes: Buffer, count: number, name: string): { values: number[]; offset: number } {
  const values: number[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    values.push(uvarint(bytes, offset, bytes.length, name));
    offset = cursor.p;
  }
  return { values, offset };
}
