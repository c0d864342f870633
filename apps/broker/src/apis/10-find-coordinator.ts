/**
 * FindCoordinator: who coordinates a group or a transactional id. With one broker, that is this one. The first who asks
 * for a group's coordinator brings `__consumer_offsets` into being.
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
      const node = brokerNode(image, facts.nodeId, source.listener);
      const isKnown = request.keyType === GROUP || request.keyType === TRANSACTION;
      const answer = (key: string) => {
        if (!isKnown) return refuse(key, ERROR.INVALID_REQUEST, `Coordinator type ${request.keyType} is unknown.`);
        if (node === undefined || prepared !== ERROR.NONE) return refuse(key, ERROR.COORDINATOR_NOT_AVAILABLE, null);
        const { nodeId, host, port } = node;
        return { key, nodeId, host, port, errorCode: ERROR.NONE, errorMessage: null };
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
