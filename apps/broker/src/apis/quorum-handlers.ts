/**
 * The metadata quorum's own APIs: they are answered by this node's part in it, from the first moment on, because it can
 * agree on nothing before it is spoken to. A Fetch is the quorum's if it asks for the metadata log.
 */
import {
  AddRaftVoter,
  type Api,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  Fetch,
  FetchSnapshot,
  RemoveRaftVoter,
  type RequestOf,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import { CLUSTER_METADATA_TOPIC } from '../controller/topic-name.ts';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import { METADATA_TOPIC_ID } from '../quorum/raft-view.ts';
import type { AnyHandler, Handler } from './handler.ts';

type Quorum = Pick<QuorumNode, 'handle'>;

const APIS: readonly Api[] = [
  ...[Vote, BeginQuorumEpoch, EndQuorumEpoch, FetchSnapshot],
  ...[AddRaftVoter, RemoveRaftVoter, UpdateRaftVoter],
];

export function createQuorumHandlers(quorum: Quorum): AnyHandler[] {
  return APIS.map((api) => ({
    api,
    handle: (request: never, { version }) => quorum.handle(api, request, { version }),
  }));
}

/** `others` serves partitions; a node that has none has only the metadata log. */
export function createFetchRouter(quorum: Quorum, others: Handler<typeof Fetch> | undefined): Handler<typeof Fetch> {
  return {
    api: Fetch,
    handle(request, header) {
      const isQuorums = header.source.listener === 'internal' && asksForMetadata(request);
      if (others !== undefined && !isQuorums) return others.handle(request, header);
      return quorum.handle(Fetch, request, { version: header.version });
    },
  };
}

function asksForMetadata({ topics }: RequestOf<typeof Fetch>): boolean {
  const [first] = topics;
  return first !== undefined && (first.topicId === METADATA_TOPIC_ID || first.topic === CLUSTER_METADATA_TOPIC);
}
