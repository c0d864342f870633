/**
 * AlterPartitionReassignments: other replicas for partitions, or an end to a reassignment that is under way. All checks are
 * the decision's.
 */
import { AlterPartitionReassignments, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createAlterPartitionReassignmentsHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof AlterPartitionReassignments> {
  return {
    api: AlterPartitionReassignments,
    async handle({ topics, allowReplicationFactorChange }, { version }) {
      const asked = { kind: 'alterPartitionReassignments' as const, allowReplicationFactorChange, topics };
      const { topics: responses } = await submit(asked);
      return { errorCode: ERROR.NONE, responses, ...(version >= 1 && { allowReplicationFactorChange }) };
    },
  };
}
