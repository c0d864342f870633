/**
 * What a script waits for between its steps, and leaves behind: Apache Kafka's broker shows topics and configs a moment
 * after its controller has answered for them. Called by `run-script.ts`.
 */
import { DeleteTopics, DescribeConfigs, ERROR, JoinGroup, Metadata, type RequestInput } from '@meridian/protocol';
import { CLOSED, SILENT } from './broker-connection.ts';
import type { IdNames } from './normalise.ts';
import type { Side } from './side.ts';

const ATTEMPTS = 200;
const PAUSE_MS = 25;
const TOPIC = 2;

export interface Pair {
  readonly ours: Side;
  readonly theirs: Side;
}

interface Names {
  readonly ours: IdNames;
  readonly theirs: IdNames;
}

export async function settle({ ours, theirs }: Pair, names: Names, topics: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [mine, other] = await Promise.all([stateOf(ours, topics), stateOf(theirs, topics)]);
    if (mine === other) break;
    await pause(PAUSE_MS);
  }
  await pause(PAUSE_MS);
  for (const name of topics) {
    names.ours.nameOf('topic', ours.topicId(name));
    names.theirs.nameOf('topic', theirs.topicId(name));
  }
}

/** So that the brokers do not fill with what thousands of scripts have made. */
export async function removeTopics({ ours, theirs }: Pair, topicNames: readonly string[]): Promise<void> {
  const request = { topicNames: [...topicNames], topics: [], timeoutMs: 5_000 };
  await Promise.all([ours, theirs].map((side) => side.request(DeleteTopics, 5, request)));
}

/** So many that each partition of the groups' topic gets one, all but certainly. */
const STIRRED_GROUPS = 25;
let stirred = 0;

/**
 * Apache Kafka shows a group that nothing was written of (by a commit of which nothing was kept) from the next write to
 * its partition on. This writes something to each: groups that somebody asks to join.
 */
export async function stirGroups({ ours, theirs }: Pair): Promise<void> {
  for (let n = 0; n < STIRRED_GROUPS; n++) {
    const request = {
      groupId: `stir-${process.pid}-${stirred++}`,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    };
    await Promise.all([ours, theirs].map((side) => side.request(JoinGroup, 5, request)));
  }
}

async function stateOf(side: Side, topics: readonly string[]): Promise<string> {
  const metadata = await side.request(Metadata, 12, {
    topics: topics.map((name) => ({ name })),
    allowAutoTopicCreation: false,
  });
  if (metadata === CLOSED || metadata === SILENT) return 'no answer';
  for (const { name, topicId, errorCode } of metadata.topics) {
    if (errorCode === ERROR.NONE) side.topicIds.set(name ?? '', topicId);
  }
  const known = metadata.topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.length]);
  const resources: RequestInput<typeof DescribeConfigs>['resources'] = topics.map((resourceName) => ({
    resourceType: TOPIC,
    resourceName,
    configurationKeys: null,
  }));
  const configs = await side.request(DescribeConfigs, 4, { resources });
  if (configs === CLOSED || configs === SILENT) return 'no answer';
  const set = configs.results.map(({ resourceName, configs: all }) => [
    resourceName,
    all.filter(({ configSource }) => configSource === 1).map(({ name, value }) => `${name}=${value}`),
  ]);
  return JSON.stringify([known.map(String).sort(), set.map(String).sort()]);
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
