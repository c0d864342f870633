/**
 * Wires the watch over other nodes: the leader's death lets a new one be elected at once, a broker's death lets the active
 * controller fence it at once. Both only from a port that nobody listens on.
 */
import { ENDPOINT_NAMES } from '../apis/broker-nodes.ts';
import type { QuorumController } from '../controller/quorum-controller.ts';
import { LivenessWatch } from '../peers/liveness-watch.ts';
import type { NodeAddress, Peers } from '../peers/peers.ts';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import type { NodeOptions } from './node-options.ts';

interface Watched {
  readonly peers: Peers;
  readonly quorum: QuorumNode;
  readonly controller: QuorumController;
}

export function watchPeers(options: NodeOptions, { peers, quorum, controller }: Watched): LivenessWatch {
  const { nodeId } = options.config;
  return new LivenessWatch({
    timers: options.io.timers,
    peers,
    nodeId,
    leader: () => {
      const { id } = quorum.leader();
      const address = id === nodeId ? undefined : quorum.addressOf(id);
      return address && { id, address };
    },
    leaderGone: (leaderId) => quorum.leaderUnreachable(leaderId),
    brokers: () => (controller.isActive ? unfencedBrokers(controller) : NOBODY),
    brokerGone: (brokerId) => controller.brokerLost(brokerId),
  });
}

const NOBODY: ReadonlyMap<number, NodeAddress> = new Map();

function unfencedBrokers({ image }: QuorumController): ReadonlyMap<number, NodeAddress> {
  const found = new Map<number, NodeAddress>();
  for (const { id, fenced, endpoints } of image.brokers.values()) {
    const endpoint = endpoints.find(({ name }) => name === ENDPOINT_NAMES.internal);
    if (!fenced && endpoint !== undefined) found.set(id, { host: endpoint.host, port: endpoint.port });
  }
  return found;
}
