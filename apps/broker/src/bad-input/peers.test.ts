/**
 * Hostile or confused peers of a real broker process: whoever knows the secret speaks as a broker or a controller, with
 * stale epochs, foreign ids and empty lists. Each trial has the expectations of `testing/victim.ts` besides its own.
 */
import {
  AllocateProducerIds,
  AlterPartition,
  type Api,
  AssignReplicasToDirs,
  BeginQuorumEpoch,
  BrokerHeartbeat,
  BrokerRegistration,
  ControllerRegistration,
  EndQuorumEpoch,
  Envelope,
  ERROR,
  Fetch,
  FetchSnapshot,
  Metadata,
  type RequestInput,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INTERNAL_SECRET } from '../testing/broker-process.ts';
import { MARK, Victim } from '../testing/victim.ts';

const UUID = '7b12c4b8-0563-4f3b-a171-67d705c05725';
const METADATA = '__cluster_metadata';
/** The victim's own. */
const NODE_ID = 1;

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start();
});
afterAll(() => victim?.broker.stop());

/** What a peer that knows the secret is answered. */
function answerTo<A extends Api>(api: A, body: RequestInput<A>, lines = 0, version = api.maxVersion) {
  return victim.unharmed(
    async (client) => {
      await client.authenticate(INTERNAL_SECRET);
      return client.request(api, version, body);
    },
    { port: victim.broker.internalPort, lines },
  );
}

const REGISTRATION = {
  brokerId: 9,
  clusterId: `another ${'x'.repeat(30_000)}`,
  incarnationId: UUID,
  listeners: [],
  features: [],
  rack: MARK,
  logDirs: [UUID],
};
const BEAT = { brokerId: 9, brokerEpoch: 1, currentMetadataOffset: 0, wantFence: false, wantShutDown: false };

test('heartbeats of nobody, and of a former epoch, are refused', async () => {
  expect(await answerTo(BrokerHeartbeat, BEAT)).toMatchObject({ errorCode: ERROR.BROKER_ID_NOT_REGISTERED });
  const stale = { ...BEAT, brokerId: NODE_ID, brokerEpoch: 0 };
  expect(await answerTo(BrokerHeartbeat, stale)).toMatchObject({ errorCode: ERROR.STALE_BROKER_EPOCH });
});

test('a broker of another cluster, without log dirs, or under the controller’s own id may not register', async () => {
  expect(await answerTo(BrokerRegistration, REGISTRATION, 1)).toMatchObject({
    errorCode: ERROR.INCONSISTENT_CLUSTER_ID,
  });
  const { clusterId } = await clusterOf();
  const noDirs = { ...REGISTRATION, clusterId, logDirs: [] };
  expect(await answerTo(BrokerRegistration, noDirs, 1)).toMatchObject({ errorCode: ERROR.INVALID_REGISTRATION });
  const zk = { ...REGISTRATION, clusterId, isMigratingZkBroker: true };
  expect(await answerTo(BrokerRegistration, zk)).toMatchObject({ errorCode: ERROR.INVALID_REGISTRATION });
  const twin = { ...REGISTRATION, clusterId, brokerId: NODE_ID };
  expect(await answerTo(BrokerRegistration, twin, 1)).toMatchObject({ errorCode: ERROR.DUPLICATE_BROKER_REGISTRATION });
});

async function clusterOf(): Promise<{ clusterId: string }> {
  const { clusterId } = await victim.with((client) => client.request(Metadata, 12, { topics: [] }));
  return { clusterId: clusterId! };
}

test('in-sync sets, log dirs and producer ids are not for nobody', async () => {
  const nobody = { brokerId: 9, brokerEpoch: 1 };
  const errorCode = ERROR.BROKER_ID_NOT_REGISTERED;
  expect(await answerTo(AllocateProducerIds, nobody)).toMatchObject({ errorCode });
  expect(await answerTo(AlterPartition, { ...nobody, topics: [] })).toMatchObject({ errorCode });
  expect(await answerTo(AssignReplicasToDirs, { ...nobody, directories: [] })).toMatchObject({ errorCode });
});

test('a controller that is registered from elsewhere does no harm', async () => {
  const other = { controllerId: 9, incarnationId: UUID, zkMigrationReady: false, listeners: [], features: [] };
  expect(await answerTo(ControllerRegistration, other)).toBeDefined();
});

const voted = (partitions: object[]) => ({ topics: [{ topicName: METADATA, partitions }] }) as never;

test.each<[string, Api, object]>([
  ['Vote', Vote, { clusterId: MARK, voterId: 1, topics: [] }],
  ['BeginQuorumEpoch', BeginQuorumEpoch, { clusterId: MARK, voterId: 1, topics: [] }],
  ['EndQuorumEpoch', EndQuorumEpoch, { clusterId: MARK, topics: [] }],
  ['FetchSnapshot', FetchSnapshot, { clusterId: MARK, topics: [] }],
])('%s of another cluster is refused', async (_, api, body) => {
  expect(await answerTo(api, body as never)).toMatchObject({ errorCode: ERROR.INCONSISTENT_CLUSTER_ID });
});

test.each<[string, Api]>([
  ['Vote', Vote],
  ['BeginQuorumEpoch', BeginQuorumEpoch],
  ['EndQuorumEpoch', EndQuorumEpoch],
  ['FetchSnapshot', FetchSnapshot],
  ['Fetch', Fetch],
])('%s of nothing is answered', async (_, api) => {
  const body = api === Fetch ? { maxWaitMs: 0, minBytes: 0, topics: [], forgottenTopicsData: [] } : { topics: [] };
  expect(await answerTo(api, body as never)).toBeDefined();
});

test('a vote for nobody, and a leader that nobody knows, change nothing', async () => {
  const candidate = {
    partitionIndex: 0,
    replicaEpoch: 2_000_000_000,
    replicaId: 9,
    lastOffsetEpoch: -5,
    lastOffset: -7,
  };
  await answerTo(Vote, voted([candidate]));
  await answerTo(BeginQuorumEpoch, voted([{ partitionIndex: 0, leaderId: 9, leaderEpoch: 2_000_000_000 }]));
  await answerTo(EndQuorumEpoch, voted([{ partitionIndex: 0, leaderId: 9, leaderEpoch: -1, preferredCandidates: [] }]));
  const voter = {
    clusterId: null,
    currentLeaderEpoch: -9,
    voterId: 9,
    voterDirectoryId: UUID,
    listeners: [],
    kRaftVersionFeature: { minSupportedVersion: 9, maxSupportedVersion: -9 },
  };
  await answerTo(UpdateRaftVoter, voter);
  await victim.with((client) => expect(client.request(Envelope, 0, garbage())).rejects.toThrow('closed'));
});

function garbage(): RequestInput<typeof Envelope> {
  const bytes = Buffer.from(MARK);
  return { requestData: bytes, requestPrincipal: bytes, clientHostAddress: bytes };
}

test('an envelope with anything inside is answered', async () => {
  const errorCode = ERROR.PRINCIPAL_DESERIALIZATION_FAILURE;
  expect(await answerTo(Envelope, garbage())).toEqual({ errorCode, responseData: null });
});

test('a fetch by a replica of nobody is answered', async () => {
  const partitions = [{ partition: 0, fetchOffset: 9e15, partitionMaxBytes: -1 }];
  const body = {
    ...{ maxWaitMs: 0, minBytes: 0, forgottenTopicsData: [], replicaState: { replicaId: 9, replicaEpoch: 3 } },
    topics: [{ topicId: UUID, partitions }],
  };
  expect(await answerTo(Fetch, body as never)).toMatchObject({ errorCode: ERROR.NONE });
});
