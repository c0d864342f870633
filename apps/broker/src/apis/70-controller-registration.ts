/** ControllerRegistration: a controller tells the active one where it is and which feature levels it knows. */
import { ControllerRegistration, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';
import { orWhenInactive } from './when-inactive.ts';

export function createControllerRegistrationHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof ControllerRegistration> {
  return {
    api: ControllerRegistration,
    handle({ controllerId, incarnationId, listeners, features }) {
      const asked = submit({
        kind: 'registerController',
        controllerId,
        incarnationId,
        endpoints: listeners,
        features,
      });
      const errorMessage = 'This is not the active controller.';
      return orWhenInactive(asked, { errorCode: ERROR.NOT_CONTROLLER, errorMessage });
    },
  };
}
