/**
 * A node's listening ports: one for everybody, which only brokers have, and the internal one. Opened before anything else,
 * because a port given by the system has to be known to be told.
 * Invariant: nothing is answered before `serve`; connections that come earlier are closed.
 */
import type { Io } from '@meridian/io';
import { createScramServer, scramCredential } from '@meridian/protocol';
import { ENDPOINT_NAMES } from '../apis/broker-nodes.ts';
import type { ListenerName } from '../apis/handler.ts';
import { advertisedAddress, listenerConfig } from '../config.ts';
import type { BrokerEndpoint } from '../controller/image.ts';
import type { BrokerLimits } from '../limits.ts';
import { type Authentication, createScramAuthentication, OPEN } from '../server/authentication.ts';
import type { BrokerConnections } from '../server/connection.ts';
import { type BrokerListener, openListener } from '../server/listener.ts';
import { RequestMemory } from '../server/request-memory.ts';
import { Turn } from '../server/turn.ts';
import type { NodeOptions } from './node-options.ts';

/** Who everybody on the internal listener is. */
const INTERNAL_USER = 'internal';
const PLAINTEXT = 0;
const SASL_PLAINTEXT = 2;
const NONCE_BYTES = 24;
const SALT_BYTES = 16;

export interface NodeListeners {
  readonly client: BrokerListener | undefined;
  readonly internal: BrokerListener;
}

/** What listeners ask of parts that are made after them. */
export class ListenerHooks implements BrokerConnections {
  brokers: BrokerConnections | undefined;
  /** Kafka's `max.connections`, as it is at that moment. */
  maxClientConnections: () => number = () => 0;

  brokerConnected(brokerId: number): void {
    this.brokers?.brokerConnected(brokerId);
  }

  brokerDisconnected(brokerId: number): void {
    this.brokers?.brokerDisconnected(brokerId);
  }
}

export async function openListeners(options: NodeOptions, hooks: ListenerHooks): Promise<NodeListeners> {
  const { io, config, log, limits } = options;
  const turn = new Turn(io.timers, limits.maxTurnMs);
  const memory = new RequestMemory(limits.maxRequestBytes);
  const shared = { io, turn, memory, limits, log, brokers: hooks };
  const open = (name: ListenerName, createAuthentication: () => Authentication): Promise<BrokerListener> => {
    const { host, port } = listenerConfig(config, name);
    // A number too low must not lock the peers out.
    const maxConnections = () => (name === 'client' ? hooks.maxClientConnections() : limits.maxConnections);
    return openListener({ ...shared, name, host, port, createAuthentication, maxConnections });
  };
  const client = config.client && (await open('client', () => OPEN));
  try {
    return { client, internal: await open('internal', scramAuthentication(io, config.internal.secret, limits)) };
  } catch (error) {
    await client?.stop();
    throw error;
  }
}

/** The password is stretched once per process, so that strangers cannot make us do it. */
function scramAuthentication(io: Io, secret: string, limits: BrokerLimits): () => Authentication {
  const credential = scramCredential(secret, io.random.bytes(SALT_BYTES), limits.scramIterations);
  const lookup = (user: string) => (user === INTERNAL_USER ? credential : undefined);
  const nonce = () => io.random.bytes(NONCE_BYTES).toString('base64');
  return () => createScramAuthentication(() => createScramServer({ lookup, nonce: nonce() }));
}

/** Where others find this node, as registrations tell it. */
export function endpointsOf({ config }: NodeOptions, { client, internal }: NodeListeners): BrokerEndpoint[] {
  const endpoint = (name: ListenerName, { port }: BrokerListener, securityProtocol: number): BrokerEndpoint => {
    return { name: ENDPOINT_NAMES[name], ...advertisedAddress(listenerConfig(config, name), port), securityProtocol };
  };
  return [
    ...(client === undefined ? [] : [endpoint('client', client, PLAINTEXT)]),
    endpoint('internal', internal, SASL_PLAINTEXT),
  ];
}
