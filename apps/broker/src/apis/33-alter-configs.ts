/**
 * AlterConfigs: gives a resource exactly the configs named, and clears all others. Old; IncrementalAlterConfigs is what
 * clients use today.
 */
import { AlterConfigs } from '@meridian/protocol';
import { alterConfigs } from './config-request.ts';
import type { Handler, HandlerReach } from './handler.ts';

export function createAlterConfigsHandler(reach: Pick<HandlerReach, 'submit' | 'facts'>): Handler<typeof AlterConfigs> {
  return {
    api: AlterConfigs,
    async handle({ resources, validateOnly }, { source: { listener } }) {
      return { responses: await alterConfigs(resources, { validateOnly, replaces: true, listener }, reach) };
    },
  };
}
