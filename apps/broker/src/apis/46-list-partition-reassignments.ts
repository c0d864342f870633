/**
 * ListPartitionReassignments: none is ever under way (`45-alter-partition-reassignments.ts`), and what is asked for and
 * has none is left out, as in Apache Kafka, whether it exists or not.
 */
import { ERROR, ListPartitionReassignments } from '@meridian/protocol';
import type { Handler } from './handler.ts';

export function createListPartitionReassignmentsHandler(): Handler<typeof ListPartitionReassignments> {
  return { api: ListPartitionReassignments, handle: () => ({ errorCode: ERROR.NONE, topics: [] }) };
}
