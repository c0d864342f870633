/**
 * What has to hold where eligible leader replicas are kept (KIP-966): all brokers agree on min.insync.replicas, so it is
 * set for the whole cluster and for no single broker. Called when the feature is switched on, or off.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import type { FeatureUpdate } from '../commands.ts';
import { BROKER_CONFIGS } from '../configs/broker-configs.ts';
import { CONFIG_RESOURCE_TYPE } from '../configs/resource-types.ts';
import { ELR_FEATURE } from '../features.ts';
import type { MetadataImage } from '../image.ts';
import { changesWhere } from './broker-changes.ts';
import type { DecideContext } from './decision.ts';

const MIN_ISR = 'min.insync.replicas';
/** The default of all brokers. */
const ALL_BROKERS = '';

export function elrSafetyRecords(
  image: MetadataImage,
  { name, level }: Pick<FeatureUpdate, 'name' | 'level'>,
  { staticConfigs }: Pick<DecideContext, 'staticConfigs'>,
): MetadataRecordInput[] {
  if (name !== ELR_FEATURE || (image.features.get(name) ?? 0) === level) return [];
  if (level === 0) return [...keptInSync(image), { type: 'ClearElrRecord', topicName: '' }];
  const config = (resourceName: string, value: string | null): MetadataRecordInput => {
    return { type: 'ConfigRecord', resourceType: CONFIG_RESOURCE_TYPE.broker, resourceName, name: MIN_ISR, value };
  };
  const value = staticConfigs.get(MIN_ISR) ?? BROKER_CONFIGS.get(MIN_ISR)!.default!;
  const isSet = image.configOf('broker', ALL_BROKERS).has(MIN_ISR);
  const single = [...image.configuredNames('broker')].filter(
    (broker) => broker !== ALL_BROKERS && image.configOf('broker', broker).has(MIN_ISR),
  );
  return [...(isSet ? [] : [config(ALL_BROKERS, value)]), ...single.map((broker) => config(broker, null))];
}

/** Who alone has what is committed is in sync from now on, though not there: nothing else would say so any more. */
function keptInSync(image: MetadataImage): MetadataRecordInput[] {
  return changesWhere(image, ({ index: partitionId, isr, eligibleLeaderReplicas }, { id: topicId }) =>
    isr.length === 0 && eligibleLeaderReplicas.length > 0
      ? { type: 'PartitionChangeRecord', topicId, partitionId, isr: [...eligibleLeaderReplicas] }
      : undefined,
  );
}
