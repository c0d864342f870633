/**
 * IncrementalAlterConfigs: sets or clears single configs of topics, brokers (one or, named '', all) and subscriptions of
 * client metrics; and changes lists by elements.
 */
import { IncrementalAlterConfigs } from '@meridian/protocol';
import { alterConfigs, splitConfigs } from './config-request.ts';
import type { Handler, HandlerReach } from './handler.ts';

export function createIncrementalAlterConfigsHandler(
  reach: Pick<HandlerReach, 'submit' | 'facts'>,
): Handler<typeof IncrementalAlterConfigs> {
  return {
    api: IncrementalAlterConfigs,
    async handle({ resources, validateOnly }, { source: { listener, isForwarded = false } }) {
      return {
        responses: await alterConfigs(resources, { validateOnly, replaces: false, listener, isForwarded }, reach),
      };
    },
    split: (request) => splitConfigs(request, false, reach.facts.nodeId),
  };
}
