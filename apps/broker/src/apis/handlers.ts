/**
 * All API handlers of a node, wired. Called once by the node's start; an API is served when it stands here, on the listeners
 * that its declaration names.
 */
import type { Api } from '@meridian/protocol';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import { createFetchHandler } from './01-fetch.ts';
import { createEnvelopeHandler } from './58-envelope.ts';
import { createBrokerHandlers } from './broker-handlers.ts';
import { type ControllerReach, createControllerHandlers } from './controller-handlers.ts';
import { createForwarding } from './forwarding.ts';
import { isForwardable } from './forwarding-refusals.ts';
import type { AnyHandler, HandlerReach } from './handler.ts';
import { createFetchRouter, createQuorumHandlers } from './quorum-handlers.ts';

interface NodeParts {
  readonly quorum: Pick<QuorumNode, 'handle'>;
  /** Holds a handler's requests back until the partitions are open. */
  readonly whenOpen: <H extends AnyHandler>(handler: H) => H;
}

/** Of a broker, which may be a controller, too. */
export function createHandlers(given: Omit<HandlerReach, 'served'>, node: NodeParts): readonly AnyHandler[] {
  const served: Api[] = [];
  const reach: HandlerReach = { ...given, served };
  const partitions = [
    createFetchRouter(node.quorum, node.whenOpen(createFetchHandler(reach))),
    ...createBrokerHandlers(reach).map(node.whenOpen),
  ];
  return serve(served, reach, [...createControllerHandlers(reach), ...createQuorumHandlers(node.quorum)], partitions);
}

/** Of a controller alone. */
export function createControllerOnlyHandlers(
  given: Omit<ControllerReach, 'served'>,
  { quorum }: Pick<NodeParts, 'quorum'>,
): readonly AnyHandler[] {
  const served: Api[] = [];
  const reach: ControllerReach = { ...given, served };
  const own = [...createControllerHandlers(reach), ...createQuorumHandlers(quorum)];
  return serve(served, reach, own, [createFetchRouter(quorum, undefined)]);
}

/** `own` may be forwarded to the active controller, each by itself; `partitions` never are. */
function serve(
  served: Api[],
  reach: ControllerReach,
  own: readonly AnyHandler[],
  partitions: readonly AnyHandler[],
): readonly AnyHandler[] {
  const forwardable = own.filter(({ api }) => isForwardable(api.key));
  const handlers = [
    ...own.map((handler) => (forwardable.includes(handler) ? createForwarding(handler, reach) : handler)),
    ...partitions,
    createEnvelopeHandler(reach, forwardable),
  ];
  served.push(...handlers.map(({ api }) => api));
  return handlers;
}
