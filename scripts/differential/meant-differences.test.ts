/** The list of meant differences, in its code and in docs/compatibility.md; and that none of them hides more than it means. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeConfigs, ERROR, OffsetFetch, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { Difference } from './differences.ts';
import { MEANT_DIFFERENCES } from './meant-differences.ts';
import { step } from './step.ts';

const DOCS = join(import.meta.dirname, '../../docs/compatibility.md');
const produce = step(Produce, 9, () => ({ acks: 1, timeoutMs: 1, topicData: [] }));
const describe = step(DescribeConfigs, 4, () => ({ resources: [] }));

const isMeant = (of: typeof produce, difference: Difference): boolean =>
  MEANT_DIFFERENCES.some(({ matches }) => matches(of, difference, [difference]));

test('docs/compatibility.md lists the meant differences, and no others', () => {
  const listed = readFileSync(DOCS, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('- *Meant*: '))
    .map((line) => line.slice('- *Meant*: '.length));
  expect(listed).toEqual(MEANT_DIFFERENCES.map(({ reason }) => reason));
});

test('only the codec that does not exist may be refused otherwise', () => {
  const path = 'responses.t.partitionResponses[0].errorCode';
  const ours = ERROR.UNSUPPORTED_COMPRESSION_TYPE;
  expect(isMeant(produce, { path, ours, theirs: ERROR.UNKNOWN_SERVER_ERROR })).toBe(true);
  expect(isMeant(produce, { path, ours, theirs: ERROR.NONE })).toBe(false);
  expect(isMeant(produce, { path, ours: ERROR.NONE, theirs: ERROR.UNKNOWN_SERVER_ERROR })).toBe(false);
  expect(isMeant(describe, { path, ours, theirs: ERROR.UNKNOWN_SERVER_ERROR })).toBe(false);
});

test('a config of Kafka’s that is missing or other is a difference, one of Meridian’s own is meant', () => {
  const config = { value: '1' };
  const path = 'results[0].configs.meridian.durability';
  expect(isMeant(describe, { path, ours: config, theirs: undefined })).toBe(true);
  expect(isMeant(describe, { path, ours: undefined, theirs: config })).toBe(false);
  expect(isMeant(describe, { path: `${path}.value`, ours: '1', theirs: '2' })).toBe(false);
  expect(isMeant(describe, { path: 'results[0].configs.retention.ms', ours: config, theirs: undefined })).toBe(false);
});

test('groups may be answered once each, and none of them otherwise', () => {
  const fetch = step(OffsetFetch, 8, () => ({ groups: [] }));
  const [a, b] = [
    { groupId: 'a', topics: [] },
    { groupId: 'b', topics: [] },
  ];
  const isMeantOf = (ours: unknown, theirs: unknown) => isMeant(fetch, { path: 'groups', ours, theirs });
  expect(isMeantOf([a, b], [a, a, b])).toBe(true);
  expect(isMeantOf([a], [a, a, b])).toBe(false);
  expect(isMeantOf([{ ...a, errorCode: 1 }], [a, a])).toBe(false);
});
