/** UnregisterBroker: forgets a broker that will not come back. All checks are the decision's. */
import { UnregisterBroker } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createUnregisterBrokerHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof UnregisterBroker> {
  return { api: UnregisterBroker, handle: ({ brokerId }) => submit({ kind: 'unregisterBroker', brokerId }) };
}
