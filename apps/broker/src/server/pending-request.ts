/**
 * A request between its frame and its answer: what the handler sees as header, and a link in the connection's queue,
 * which keeps answers in the order of the requests. One small object per request.
 */
import type { Memory } from '@meridian/io';
import { type Api, encodeResponse } from '@meridian/protocol';
import { type Answer, CLOSE, NO_ANSWER, type RequestHeader, type RequestSource } from '../apis/handler.ts';

/** The connection that a request came over, as its answer needs it. */
export interface RequestOwner extends RequestSource {
  /** Where answers lie that carry records. */
  readonly blocks: Memory;
  /** An answer is ready. */
  settled(): void;
  /** Ends the connection. */
  fail(reason: string, fields: Record<string, unknown>): void;
}

const NOTHING: readonly Buffer[] = [];

export class PendingRequest implements RequestHeader {
  readonly version: number;
  readonly clientId: string | null;
  readonly source: RequestOwner;
  readonly api: Api;
  readonly correlationId: number;
  readonly frameBytes: number;
  onAbandon: (() => void) | undefined = undefined;
  /** The encoded answer, once there is one. */
  frames: readonly Buffer[] | undefined = undefined;
  /** They carry records, in memory that is held until they have left. */
  isHeld = false;
  next: PendingRequest | undefined = undefined;

  constructor(
    source: RequestOwner,
    api: Api,
    header: { apiVersion: number; correlationId: number; clientId: string | null },
    frameBytes: number,
  ) {
    this.source = source;
    this.api = api;
    this.version = header.apiVersion;
    this.correlationId = header.correlationId;
    this.clientId = header.clientId;
    this.frameBytes = frameBytes;
  }

  answer(response: Answer<unknown>): void {
    if (this.source.closed || this.frames !== undefined) return;
    this.onAbandon = undefined;
    if (response === CLOSE) {
      this.source.fail('the request asked for it by an error that has no answer', { api: this.api.name });
      return;
    }
    this.frames =
      response === NO_ANSWER
        ? NOTHING
        : encodeResponse(this.api, this.version, this.correlationId, response as Record<string, never>);
    if (this.frames.length > 1) this.#hold(this.frames);
    this.source.settled();
  }

  /** Several buffers are an answer that others' lie in the middle of. */
  #hold(frames: readonly Buffer[]): void {
    this.isHeld = true;
    for (const frame of frames) this.source.blocks.hold(frame);
  }
}
