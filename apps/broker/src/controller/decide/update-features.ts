/**
 * Decides UpdateFeatures as Apache Kafka does: all levels of a request are set, or none is. A level goes up only to where
 * every registered node can follow, and metadata.version down only to where nothing of what the log says is lost.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { FeatureUpdate, Refusable, UpdateFeatures } from '../commands.ts';
import { KRAFT_VERSION_FEATURE, METADATA_CHANGES, METADATA_VERSION_FEATURE, SUPPORTED_FEATURES } from '../features.ts';
import type { MetadataImage, SupportedFeature } from '../image.ts';
import { type DecideContext, type Decision, orRefusal, Refusal } from './decision.ts';
import { elrSafetyRecords } from './elr-safety.ts';

const NO_SUCH_FEATURE = { min: 0, max: 0 };
const UPGRADE = 1;
const UNSAFE_DOWNGRADE = 3;

export function decideUpdateFeatures(
  image: MetadataImage,
  { updates, validateOnly }: UpdateFeatures,
  context: DecideContext,
): Decision<Refusable> {
  const decided = orRefusal(() => {
    // As in Apache Kafka the last one of a feature counts.
    const last = [...new Map(updates.map((update) => [update.name, update])).values()];
    return last.flatMap((update) => recordsOf(image, update, context));
  });
  if (decided instanceof Refusal) {
    const why = `The update failed for all features since the following feature had an error: ${decided.message}`;
    return { records: [], result: { errorCode: decided.errorCode, errorMessage: why } };
  }
  return { records: validateOnly ? [] : decided, result: { errorCode: ERROR.NONE, errorMessage: null } };
}

function recordsOf(image: MetadataImage, update: FeatureUpdate, context: DecideContext): MetadataRecordInput[] {
  const { name, level, upgradeType } = update;
  const refuse = (why: string): never => {
    throw new Refusal(ERROR.INVALID_UPDATE_VERSION, `Invalid update version ${level} for feature ${name}. ${why}`);
  };
  if (upgradeType < UPGRADE || upgradeType > UNSAFE_DOWNGRADE) {
    refuse('The controller does not support the given upgrade type.');
  }
  if (level < 0) refuse('A feature version cannot be less than 0.');
  if (name === KRAFT_VERSION_FEATURE) refuse('It is settled when the cluster begins.');
  const unsupported = whyUnsupported(image, update, context);
  if (unsupported !== undefined) refuse(unsupported);
  const current = image.features.get(name) ?? 0;
  if (level < current && upgradeType === UPGRADE) {
    const how = 'setting the upgrade type to either safe or unsafe downgrade';
    refuse(`Can't downgrade the version of this feature without ${how}.`);
  }
  if (level > current && upgradeType !== UPGRADE) refuse("Can't downgrade to a newer version.");
  if (name === METADATA_VERSION_FEATURE) checkMetadataDowngrade(level, current, upgradeType);
  return [{ type: 'FeatureLevelRecord', name, featureLevel: level }, ...elrSafetyRecords(image, update, context)];
}

function whyUnsupported(
  image: MetadataImage,
  { name, level }: FeatureUpdate,
  { nodeId, voterIds }: DecideContext,
): string | undefined {
  const own = outOfRange(level, `Local controller ${nodeId}`, SUPPORTED_FEATURES.get(name) ?? NO_SUCH_FEATURE);
  if (own !== undefined) return own;
  for (const { id, features } of image.brokers.values()) {
    const why = outOfRange(level, `Broker ${id}`, rangeOf(features, name));
    if (why !== undefined) return why;
  }
  for (const { id, features } of image.controllers.values()) {
    const why = id === nodeId ? undefined : outOfRange(level, `Controller ${id}`, rangeOf(features, name));
    if (why !== undefined) return why;
  }
  const unknown = voterIds?.().find((id) => id !== nodeId && !image.controllers.has(id));
  if (unknown === undefined) return undefined;
  return `controller ${unknown} has not registered, and may not support this feature`;
}

function rangeOf(features: readonly SupportedFeature[], name: string): { min: number; max: number } {
  const found = features.find((feature) => feature.name === name);
  return found === undefined ? NO_SUCH_FEATURE : { min: found.minSupportedVersion, max: found.maxSupportedVersion };
}

function outOfRange(level: number, what: string, { min, max }: { min: number; max: number }): string | undefined {
  if (level >= min && level <= max) return undefined;
  if (max === 0) return `${what} does not support this feature.`;
  return `${what} only supports versions ${min === max ? min : `${min}-${max}`}`;
}

function checkMetadataDowngrade(level: number, current: number, upgradeType: number): void {
  const isLossy = METADATA_CHANGES.some((change) => change > level && change <= current);
  if (!isLossy) return;
  const why =
    upgradeType === UNSAFE_DOWNGRADE
      ? 'Unsafe metadata downgrade is not supported in this version.'
      : 'Refusing to perform the requested downgrade because it might delete metadata information.';
  throw new Refusal(ERROR.INVALID_UPDATE_VERSION, `Invalid metadata.version ${level}. ${why}`);
}
