/**
 * What an API handler is, and all that it may reach. Each `apis/NN-name.ts` exports one `createXHandler(reach)` whose
 * parameter is a `Pick` of `HandlerReach`, so its signature says what it can touch. The server decodes the request,
 * calls the handler and encodes the answer; the order of answers on a connection is the server's business.
 * Invariant: a handler never throws for what a client sent (that is an error code in the answer); what it throws is a
 * bug or the world failing, and costs the client its connection.
 */
import type { Api, RequestOf, ResponseInput } from '@meridian/protocol';
import type { Controller } from '../controller/controller.ts';
import type { MetadataImage } from '../controller/image.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { BrokerFacts } from './broker-facts.ts';

/** On which of the broker's two listeners a request came in. */
export type ListenerName = 'client' | 'internal';

/** The connection that a request came in on, as far as handlers may know it. */
export interface RequestSource {
  readonly listener: ListenerName;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Runs once when the connection is gone (a parked request is then dropped); returns the way to take it back. */
  onClose(run: () => void): () => void;
}

/** One request's frame around its body. */
export interface RequestHeader {
  readonly version: number;
  readonly clientId: string | null;
  readonly source: RequestSource;
}

/** The answers that are no message: nothing at all (acks=0), or the end of the connection. */
export const NO_ANSWER = Symbol('no answer');
export const CLOSE = Symbol('close the connection');

export type Answer<A> = ResponseInput<A> | typeof NO_ANSWER | typeof CLOSE;

export interface Handler<A> {
  readonly api: A;
  /** Answers at once where it can; a promise costs the hot path a turn of microtasks. */
  handle(request: RequestOf<A>, header: RequestHeader): Answer<A> | Promise<Answer<A>>;
}

/** A handler whose API's types no longer matter: what the dispatch table holds. */
export interface AnyHandler {
  readonly api: Api;
  handle(request: never, header: RequestHeader): unknown;
}

/** Everything that exists to be reached; no handler takes more of it than it names. */
export interface HandlerReach {
  readonly facts: BrokerFacts;
  readonly image: MetadataImage;
  readonly submit: Controller['submit'];
  readonly nextProducerId: Controller['nextProducerId'];
  /** The partitions that this broker hosts. */
  readonly partitions: PartitionTable;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}
