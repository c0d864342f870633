/** The features that ApiVersions tells: what can be run, and what is. */
import { expect, test } from 'vitest';
import { localSource } from '../peers/local-call.ts';
import { createApiVersionsHandler } from './18-api-versions.ts';

const FEATURES = new Map([
  ['metadata.version', 30],
  ['group.version', 1],
]);

function told(version: number, kraftVersion: number) {
  const image = { features: FEATURES, endOffset: 8 };
  const handler = createApiVersionsHandler({ image, served: [], quorum: () => ({ kraftVersion }) } as never);
  const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
  const answer = handler.handle(request as never, { version, source: localSource({ listener: 'client' }) } as never);
  const { supportedFeatures, finalizedFeatures } = answer as unknown as Record<string, { name: string }[]>;
  return { supported: supportedFeatures!, finalized: finalizedFeatures!.map(({ name }) => name) };
}

test('every feature of this release is told with its range, and one that the log has with its level', () => {
  expect(told(4, 1).supported).toEqual([
    { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
    { name: 'kraft.version', minVersion: 0, maxVersion: 1 },
    { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1 },
    { name: 'group.version', minVersion: 1, maxVersion: 1 },
  ]);
});

test('clients that cannot read a lowest level of 0 are not told of such features', () => {
  expect(told(3, 1).supported.map(({ name }) => name)).toEqual(['metadata.version', 'group.version']);
});

test('kraft.version is finalized once the voters stand in the log', () => {
  expect(told(4, 1).finalized).toEqual(['metadata.version', 'group.version', 'kraft.version']);
  expect(told(4, 0).finalized).toEqual(['metadata.version', 'group.version']);
});
