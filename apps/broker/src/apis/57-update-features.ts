/**
 * UpdateFeatures: raises or lowers the levels of features for the whole cluster, all of those that are named or none.
 */
import { ERROR, type RequestOf, UpdateFeatures } from '@meridian/protocol';
import type { FeatureUpdate } from '../controller/commands.ts';
import type { Handler, HandlerReach } from './handler.ts';

/** Until here a downgrade is allowed or not; from here on there are kinds of it. */
const UPGRADE_TYPES_SINCE = 1;
/** Until here there is a result for each feature, which is the same for all. */
const RESULTS_UNTIL = 1;
const UPGRADE = 1;
const SAFE_DOWNGRADE = 2;

export function createUpdateFeaturesHandler({ submit }: Pick<HandlerReach, 'submit'>): Handler<typeof UpdateFeatures> {
  return {
    api: UpdateFeatures,
    async handle({ featureUpdates, validateOnly }, { version }) {
      const updates = featureUpdates.map((update) => asUpdate(update, version));
      const { errorCode, errorMessage } = await submit({ kind: 'updateFeatures', validateOnly, updates });
      const results = updates.map(({ name }) => ({ feature: name, errorCode: ERROR.NONE, errorMessage: null }));
      const isPerFeature = version <= RESULTS_UNTIL && errorCode === ERROR.NONE;
      return { errorCode, errorMessage, results: isPerFeature ? results : [] };
    },
  };
}

type Update = RequestOf<typeof UpdateFeatures>['featureUpdates'][number];

function asUpdate({ feature, maxVersionLevel, allowDowngrade, upgradeType }: Update, version: number): FeatureUpdate {
  const early = allowDowngrade ? SAFE_DOWNGRADE : UPGRADE;
  return { name: feature, level: maxVersionLevel, upgradeType: version < UPGRADE_TYPES_SINCE ? early : upgradeType };
}
