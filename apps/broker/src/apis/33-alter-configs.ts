/**
 * AlterConfigs: gives a resource exactly the configs named, and clears all others. Old; IncrementalAlterConfigs is what
 * clients use today.
 */
import { AlterConfigs } from '@meridian/protocol';
import { alterConfigs, splitConfigs } from './config-request.ts';
import type { Handler, HandlerReach } from './handler.ts';

export function createAlterConfigsHandler(reach: Pick<HandlerReach, 'submit' | 'facts'>): Handler<typeof AlterConfigs> {
  return {
    api: AlterConfigs,
    async handle({ resources, validateOnly }, { source: { listener, isForwarded = false } }) {
      return {
        responses: await alterConfigs(resources, { validateOnly, replaces: true, listener, isForwarded }, reach),
      };
    },
    split: (request) => splitConfigs(request, true, reach.facts.nodeId),
  };
}
