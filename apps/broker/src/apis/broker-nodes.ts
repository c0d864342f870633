/**
 * The cluster's brokers as a client may reach them: on the listener that it came in on. Used by the handlers whose
 * answers carry addresses (Metadata, FindCoordinator, DescribeCluster).
 * Invariant: a client is never told an address of the other listener.
 */
import type { BrokerInfo, MetadataImage } from '../controller/image.ts';
import type { ListenerName } from './handler.ts';

export interface BrokerNode {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Names of the listeners in the brokers' registrations. */
export const ENDPOINT_NAMES: Readonly<Record<ListenerName, string>> = { client: 'CLIENT', internal: 'INTERNAL' };

/** All brokers that are not fenced and have an address on the listener. */
export function brokerNodes(image: MetadataImage, listener: ListenerName): BrokerNode[] {
  return [...image.brokers.values()].flatMap((broker) => nodeOf(broker, listener) ?? []);
}

/**
 * Whom clients are told to be the controller: any broker that lives, −1 if none does, as Apache Kafka does. Each hands on
 * what is the controller's.
 */
export function anyNodeId(nodes: readonly BrokerNode[], random: () => number): number {
  return nodes[Math.floor(random() * nodes.length)]?.nodeId ?? -1;
}

export function brokerNode(image: MetadataImage, nodeId: number, listener: ListenerName): BrokerNode | undefined {
  const broker = image.brokers.get(nodeId);
  return broker && nodeOf(broker, listener);
}

function nodeOf(broker: BrokerInfo, listener: ListenerName): BrokerNode | undefined {
  const endpoint = broker.endpoints.find(({ name }) => name === ENDPOINT_NAMES[listener]);
  if (endpoint === undefined || broker.fenced) return undefined;
  return { nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack };
}
