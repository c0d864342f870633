/**
 * DeleteTopics: by name up to v5, by name or id from v6 on. Clients delete nothing where `delete.topic.enable` says so;
 * all other checks are the decision's.
 */
import { DeleteTopics, ERROR, ZERO_UUID } from '@meridian/protocol';
import { brokerConfigValue } from '../controller/configs/effective.ts';
import type { Handler, HandlerReach } from './handler.ts';

/** Older clients do not know the error of its own. */
const DISABLED_SINCE = 3;

export function createDeleteTopicsHandler({
  submit,
  configSources,
}: Pick<HandlerReach, 'submit' | 'configSources'>): Handler<typeof DeleteTopics> {
  const isDisabled = (): boolean => brokerConfigValue(configSources, 'delete.topic.enable')?.toLowerCase() === 'false';
  return {
    api: DeleteTopics,
    async handle({ topics: given, topicNames }, { source, version }) {
      const topics = [...topicNames.map((name) => ({ name, topicId: ZERO_UUID })), ...given];
      if (source.listener === 'client' && isDisabled()) {
        const errorCode = version < DISABLED_SINCE ? ERROR.INVALID_REQUEST : ERROR.TOPIC_DELETION_DISABLED;
        return {
          responses: topics.map((topic) => ({ ...topic, errorCode, errorMessage: 'Topic deletion is disabled.' })),
        };
      }
      const result = await submit({ kind: 'deleteTopics', requester: source.listener, topics });
      return { responses: result.topics };
    },
  };
}
