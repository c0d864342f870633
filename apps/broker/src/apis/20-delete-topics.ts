/**
 * DeleteTopics: by name up to v5, by name or id from v6 on. All checks are the decision's.
 */
import { DeleteTopics, ZERO_UUID } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createDeleteTopicsHandler({ submit }: Pick<HandlerReach, 'submit'>): Handler<typeof DeleteTopics> {
  return {
    api: DeleteTopics,
    async handle({ topics, topicNames }, { source }) {
      const named = topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
      const result = await submit({ kind: 'deleteTopics', requester: source.listener, topics: [...named, ...topics] });
      return { responses: result.topics };
    },
  };
}
