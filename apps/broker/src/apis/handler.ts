/**
 * What an API handler is, and all that it may reach. Each `apis/NN-name.ts` exports one `createXHandler(reach)` whose
 * parameter is a `Pick` of `HandlerReach`, so its signature says what it can touch. The server decodes the request,
 * calls the handler and encodes the answer; the order of answers on a connection is the server's business.
 * Invariant: a handler never throws for what a client sent (that is an error code in the answer); what it throws is a
 * bug or the world failing, and costs the client its connection.
 */
import type { Timers } from '@meridian/io';
import type { Api, RequestOf, ResponseInput } from '@meridian/protocol';
import type { BrokerConfigSources } from '../controller/configs/effective.ts';
import type { Controller } from '../controller/controller.ts';
import type { MetadataImage } from '../controller/image.ts';
import type { WirePacker } from '../fetch/wire-packer.ts';
import type { GroupCoordinator } from '../groups/group-coordinator.ts';
import type { BrokerLimits } from '../limits.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import type { Authentication } from '../server/authentication.ts';
import type { ClientInstances } from '../telemetry/client-instances.ts';
import type { BrokerFacts, LogDirView } from './broker-facts.ts';

/** On which of the broker's two listeners a request came in. */
export type ListenerName = 'client' | 'internal';

/** A client library's name and version, such as `apache-kafka-java` `4.3.1`. */
export interface ClientSoftware {
  readonly name: string;
  readonly version: string;
}

/** The connection that a request came in on, as far as handlers may know it. */
export interface RequestSource {
  readonly listener: ListenerName;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly authentication: Authentication;
  /** What the client says it is (ApiVersions); empty strings until it has. */
  clientSoftware: ClientSoftware;
  /** True once the connection is gone; an answer then goes nowhere. */
  readonly closed: boolean;
  /** It came in an envelope: the broker that its client asked has made the checks that are that broker's. */
  readonly isForwarded?: boolean;
  /** Tells the log that what came was refused, though the connection stays; not more often than it can be read. */
  refused(reason: string, fields: Record<string, unknown>): void;
  /** A broker registers, or sends its heartbeats, over this connection: its end is a hint that the broker is gone. */
  identify(brokerId: number): void;
}

/** What came with a request besides its body, and the way to answer it later. */
export interface RequestHeader<A = unknown> {
  readonly version: number;
  readonly clientId: string | null;
  readonly source: RequestSource;
  /** For a handler that returned `LATER`: exactly once. */
  answer(response: Answer<A>): void;
  /** Set by a handler that parks the request: called when the connection is gone or the broker stops. */
  onAbandon: (() => void) | undefined;
}

/** The answers that are no message: nothing at all (acks=0), the end of the connection, or `header.answer` later. */
export const NO_ANSWER = Symbol('no answer');
export const CLOSE = Symbol('close the connection');
export const LATER = Symbol('answered later');

export type Answer<A> = ResponseInput<A> | typeof NO_ANSWER | typeof CLOSE;
export type Handled<A> = Answer<A> | typeof LATER | Promise<Answer<A>>;

export interface Handler<A> {
  readonly api: A;
  /** Answers at once where it can, `LATER` on the hot path; a promise costs a turn of the event loop. */
  handle(request: RequestOf<A>, header: RequestHeader<A>): Handled<A>;
  split?(request: RequestOf<A>): Split;
}

/** A handler whose API's types no longer matter: what the dispatch table holds. */
export interface AnyHandler {
  readonly api: Api;
  handle(request: never, header: RequestHeader<never>): unknown;
  /** Of an API that is forwarded: what the broker that was asked answers itself. */
  split?(request: never): Split;
}

/** A request in two: what this broker refuses, and what the active controller is to decide. */
export interface Split {
  /** Undefined: nothing is left to decide. */
  readonly rest: unknown;
  /** The whole answer; `decided`: the one to `rest`. */
  join(decided: unknown): unknown;
}

/** Everything that exists to be reached; no handler takes more of it than it names. */
export interface HandlerReach {
  readonly facts: BrokerFacts;
  readonly image: MetadataImage;
  readonly submit: Controller['submit'];
  /** Whether this node is the active controller. */
  readonly isActive: () => boolean;
  /** The way to it, wherever it is. */
  readonly channel: ControllerChannel;
  readonly nextProducerId: Controller['nextProducerId'];
  /** Where configs get their values: `controller.configSources`. */
  readonly configSources: BrokerConfigSources;
  /** Clients with telemetry subscriptions. */
  readonly clientInstances: ClientInstances;
  /** The partitions that this broker hosts. */
  readonly partitions: PartitionTable;
  /** Groups and their offsets. */
  readonly groups: GroupCoordinator;
  /** Where the partitions lie, and how much space is there. */
  readonly logDirs: () => readonly LogDirView[];
  /** How far the metadata log has come. */
  readonly quorum: Controller['quorum'];
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Milliseconds that never go back: for deadlines. */
  readonly monotonic: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly timers: Pick<Timers, 'after' | 'defer'>;
  readonly limits: BrokerLimits;
  /** Compresses what goes to far mirrors. */
  readonly packer: Pick<WirePacker, 'pack'>;
  /** Every API that has a handler, whatever the listener. */
  readonly served: readonly Api[];
}
