/**
 * What the controller of a new epoch writes before it decides anything: the end of a metadata transaction that an earlier
 * one left open, and in a new log the levels of the features that this cluster begins with.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import type { DecideContext } from './decide/decision.ts';
import { elrSafetyRecords } from './decide/elr-safety.ts';
import { FIRST_FEATURE_LEVELS, METADATA_VERSION_FEATURE } from './features.ts';
import type { MetadataImage } from './image.ts';

export function epochRecords(
  image: MetadataImage,
  isInTransaction: boolean,
  context: Pick<DecideContext, 'staticConfigs'>,
): MetadataRecordInput[] {
  const records: MetadataRecordInput[] = [];
  if (isInTransaction) {
    records.push({ type: 'AbortTransactionRecord', reason: 'left open by an earlier controller' });
  }
  if (image.features.has(METADATA_VERSION_FEATURE)) return records;
  for (const [name, featureLevel] of FIRST_FEATURE_LEVELS) {
    records.push({ type: 'FeatureLevelRecord', name, featureLevel });
    records.push(...elrSafetyRecords(image, { name, level: featureLevel }, context));
  }
  return records;
}
