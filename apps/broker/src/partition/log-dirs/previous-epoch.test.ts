/** What the log dirs together say about the process before. */
import { type Io, silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { createTailBudget } from '@meridian/log';
import { expect, test } from 'vitest';
import { LogDirs } from './log-dirs.ts';

const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';

function open(io: Io, otherPaths: readonly string[]): LogDirs {
  return new LogDirs({
    io,
    logger: silentLogger,
    tailBudget: createTailBudget(1),
    turnMs: 20,
    nodeId: 1,
    clusterId: CLUSTER_ID,
    dataFolder: { path: '/data', directoryId: '7b12c4b8-0563-4f3b-a171-67d705c05725' },
    otherPaths,
  });
}

test('the epoch of an orderly stop is known only if all log dirs agree on it', () => {
  const node = createSimWorld({ seed: 1 }).node('broker');
  expect(open(node.boot(), ['/b']).previousBrokerEpoch).toBe(-1);
  open(node.boot(), ['/b']).close(9, true);
  expect(open(node.boot(), ['/b']).previousBrokerEpoch).toBe(9);
  expect(open(node.boot(), ['/b']).previousBrokerEpoch).toBe(-1);
  open(node.boot(), ['/b']).close(10, true);
  expect(open(node.boot(), ['/b', '/c']).previousBrokerEpoch).toBe(-1);
});
