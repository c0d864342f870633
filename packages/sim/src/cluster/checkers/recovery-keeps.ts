/**
 * I10: a replica that is opened again ends neither before what its last life had to keep nor behind what it had: after a
 * death that is what was written, after a loss of power what was durable. A wiped disk or a failed log owes nothing, nor
 * does a replica that is none any more for a time.
 */
import type { Log } from '@meridian/log';
import type { HowDied } from '../node-slot.ts';
import type { Fail, Watcher } from './watcher.ts';

/** What a replica's log was when its node died. */
interface Left {
  readonly least: number;
  readonly most: number;
}

export interface RecoveryKeeps extends Watcher {
  /** The node dies now, with these logs open. */
  died(nodeId: number, how: HowDied, logs: Iterable<OpenReplica>): void;
  /** A replica is there for the first time in this life of its node. */
  opened(nodeId: number, replica: OpenReplica): void;
}

export interface OpenReplica {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: Pick<Log, 'endOffset' | 'writtenEnd' | 'durableEnd' | 'failure'>;
}

export function recoveryKeeps(fail: Fail): RecoveryKeeps {
  const left = new Map<string, Left>();
  const key = (nodeId: number, { topicId, index }: OpenReplica): string => `${nodeId}/${topicId}/${index}`;
  return {
    nodeMoved({ isActiveController, image }) {
      if (!isActiveController || left.size === 0) return;
      for (const place of left.keys()) {
        const [nodeId = '', topicId = '', index = ''] = place.split('/');
        const partition = image.topicsById.get(topicId)?.partitions[Number(index)];
        if (!partition?.replicas.includes(Number(nodeId))) left.delete(place);
      }
    },
    died(nodeId, how, logs) {
      for (const id of [...left.keys()]) if (id.startsWith(`${nodeId}/`)) left.delete(id);
      if (how === 'wiped') return;
      for (const replica of logs) {
        const { endOffset, writtenEnd, durableEnd, failure } = replica.log;
        if (failure !== undefined) continue;
        left.set(key(nodeId, replica), { least: how === 'power lost' ? durableEnd : writtenEnd, most: endOffset });
      }
    },
    opened(nodeId, replica) {
      const was = left.get(key(nodeId, replica));
      left.delete(key(nodeId, replica));
      const { endOffset, failure } = replica.log;
      if (was === undefined || failure !== undefined) return;
      const place = `node ${nodeId}, ${replica.topic}-${replica.index}`;
      if (endOffset < was.least) fail(`${place}: recovered up to ${endOffset}, and had to keep all up to ${was.least}`);
      if (endOffset > was.most) fail(`${place}: recovered up to ${endOffset}, and ended at ${was.most}`);
    },
  };
}
