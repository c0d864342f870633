/** Decides a controller's registration: where it is and which feature levels it knows. The same again changes nothing. */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { Refusable, RegisterController } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import type { Decision } from './decision.ts';
import { endpointsText, featuresText } from './registrations.ts';

export function decideRegisterController(
  image: MetadataImage,
  { controllerId, incarnationId, endpoints, features }: RegisterController,
): Decision<Refusable> {
  const result = { errorCode: ERROR.NONE, errorMessage: null };
  const known = image.controllers.get(controllerId);
  const isSame =
    known?.incarnationId === incarnationId &&
    endpointsText(known.endpoints) === endpointsText(endpoints) &&
    featuresText(known.features) === featuresText(features);
  if (isSame) return { records: [], result };
  const record: MetadataRecordInput = {
    type: 'RegisterControllerRecord',
    controllerId,
    incarnationId,
    zkMigrationReady: false,
    endPoints: endpoints,
    features,
  };
  return { records: [record], result };
}
