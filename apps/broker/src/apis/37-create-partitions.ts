/**
 * CreatePartitions: raises partition counts, or only validates. All checks are the decision's.
 */
import { CreatePartitions } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createCreatePartitionsHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof CreatePartitions> {
  return {
    api: CreatePartitions,
    async handle({ topics, validateOnly }, { source }) {
      const result = await submit({ kind: 'createPartitions', requester: source.listener, validateOnly, topics });
      const results = result.topics.map(({ name, errorCode, errorMessage }) => ({
        name: name ?? '',
        errorCode,
        errorMessage,
      }));
      return { results };
    },
  };
}
