/**
 * Canonical coordinates: where the records of a copy lie, in its origin's offsets and in its own. The mirror writes the
 * tables, the gateway, the command line and the simulator read them. Nothing here waits or owns a process.
 */
export * from './compacted-topic.ts';
export type { CopyView } from './copy-view.ts';
export { dataEnd } from './data-end.ts';
export { COORDINATE_ERRORS, CoordinateError, type CoordinateErrorCode } from './errors.ts';
export * from './facts-store.ts';
export type { FollowedRuns, OffsetMap, Origin } from './followed-runs.ts';
export * from './region-copies.ts';
export * from './run-records.ts';
export type { Translation } from './run-search.ts';
export * from './run-table.ts';
export * from './runs-store.ts';
export * from './topic-facts.ts';
export { translateOffset } from './translate.ts';
export { type Position, type Translated, Translator, type TranslatorRegion } from './translator.ts';
