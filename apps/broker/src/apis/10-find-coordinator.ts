/**
 * FindCoordinator: who coordinates a group: the leader of its partition of `__consumer_offsets`, which the first who asks
 * brings into being. A transactional id, for which there is no coordinator anywhere yet, is answered with this broker.
 * Invariant: a version before 4 is answered for its one key, later ones for each of theirs.
 */
import { ERROR, FindCoordinator } from '@meridian/protocol';
import { brokerNode } from './broker-nodes.ts';
import type { Handler, HandlerReach } from './handler.ts';

const GROUP = 0;
const TRANSACTION = 1;
const NOWHERE = { nodeId: -1, host: '', port: -1 };

export function createFindCoordinatorHandler({
  image,
  facts,
  groups,
}: Pick<HandlerReach, 'image' | 'facts' | 'groups'>): Handler<typeof FindCoordinator> {
  return {
    api: FindCoordinator,
    async handle(request, { version, source }) {
      const prepared = request.keyType === GROUP ? await groups.prepare() : ERROR.NONE;
      const isKnown = request.keyType === GROUP || request.keyType === TRANSACTION;
      const answer = (key: string) => {
        if (!isKnown) return refuse(key, ERROR.INVALID_REQUEST, `Coordinator type ${request.keyType} is unknown.`);
        const nodeId = request.keyType === GROUP ? groups.coordinatorOf(key) : facts.nodeId;
        const node = nodeId === undefined ? undefined : brokerNode(image, nodeId, source.listener);
        if (node === undefined || prepared !== ERROR.NONE) return refuse(key, ERROR.COORDINATOR_NOT_AVAILABLE, null);
        const { host, port } = node;
        return { key, nodeId: node.nodeId, host, port, errorCode: ERROR.NONE, errorMessage: null };
      };
      if (version >= 4) return { coordinators: request.coordinatorKeys.map(answer) };
      const { key: _, ...coordinator } = answer(request.key);
      return coordinator;
    },
  };
}

function refuse(key: string, errorCode: number, errorMessage: string | null) {
  return { key, ...NOWHERE, errorCode, errorMessage };
}
