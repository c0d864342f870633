/** The active controller's duties in virtual time, over an image that its own commands change. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { BrokerError } from '../../errors.ts';
import type { Command, ResultOf } from '../commands.ts';
import { configSources } from '../decide/decision.ts';
import {
  createTopics,
  fence,
  heartbeat,
  newTopic,
  partitionLine,
  registration,
  type Scenario,
  scenario,
} from '../decide/scenario.ts';
import { ActiveDuties } from './active-duties.ts';

const CONFIGS = new Map([
  ['broker.session.timeout.ms', '1000'],
  ['leader.imbalance.check.interval.seconds', '5'],
  ['unclean.leader.election.interval.ms', '5000'],
]);

function active(staticConfigs: ReadonlyMap<string, string> = CONFIGS) {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('controller').boot();
  const at: Scenario = scenario([1, 2, 3], { staticConfigs });
  const submitted: string[] = [];
  let isActive = true;
  const submit = async <C extends Command>(command: C): Promise<ResultOf<C>> => {
    submitted.push('brokerId' in command ? `${command.kind} ${command.brokerId}` : command.kind);
    await io.timers.sleep(1);
    if (!isActive) throw new BrokerError('not-controller', 'in this test');
    return at.run(command);
  };
  const duties = new ActiveDuties({
    io,
    log: silentLogger,
    nodeId: 1,
    image: () => at.image,
    configSources: configSources(at.image, at.context),
    submit,
  });
  const assignments = [{ partitionIndex: 0, brokerIds: [2, 3, 1] }];
  at.run(createTopics([newTopic('orders', { assignments })]));
  /** Lets time go by in which these brokers beat every 300 ms. */
  const run = async (forMs: number, ...beating: number[]): Promise<void> => {
    for (let passed = 0; passed < forMs; passed += 300) {
      for (const id of beating) duties.heard(heartbeat(at, id));
      await world.run(world.now() + 300);
    }
  };
  const end = (): void => {
    isActive = false;
    duties.end();
  };
  return { at, duties, run, submitted, end };
}

test('a broker that is not heard of is fenced when its session is over, and another leads', async () => {
  const { at, duties, run, submitted } = active();
  duties.begin();
  await run(900, 1, 3);
  expect(submitted).toEqual([]);
  await run(300, 1, 3);
  expect(submitted).toEqual(['fenceBroker 2']);
  expect(partitionLine(at, 'orders')).toBe('[2,3,1] led by 3 epoch 1 isr [3,1]');
});

test('a broker whose process is gone is fenced at once, and whoever comes next under its id is not refused', async () => {
  const { at, duties, run, submitted } = active();
  duties.begin();
  await run(300, 1, 2, 3);
  const { epoch } = at.image.brokers.get(2)!;
  expect(duties.sessions.isLive(2, epoch)).toBe(true);
  duties.brokerLost(2);
  duties.brokerLost(2);
  expect([submitted, duties.sessions.isLive(2, epoch)]).toEqual([['fenceBroker 2'], false]);
  await run(300, 1, 3);
  expect(at.image.brokers.get(2)?.fenced).toBe(true);
  duties.brokerLost(2);
  duties.brokerLost(1);
  expect(submitted).toEqual(['fenceBroker 2']);
});

test('a controller that becomes active gives every broker a whole session, and one that is not fences nobody', async () => {
  const { duties, run, submitted, end } = active();
  await run(3_000);
  duties.brokerLost(2);
  expect(submitted).toEqual([]);
  duties.begin();
  await run(900);
  duties.begin();
  await run(900);
  end();
  await run(9_000);
  expect(submitted).toEqual([]);
});

test('preferred replicas lead again when it is time, if that is wanted', async () => {
  for (const wanted of ['true', 'false']) {
    const { at, duties, run } = active(new Map([...CONFIGS, ['auto.leader.rebalance.enable', wanted]]));
    fence(at, 2);
    at.run(heartbeat(at, 2));
    const { leaderEpoch, partitionEpoch } = at.image.topicsByName.get('orders')!.partitions[0]!;
    const newIsr = [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: -1 }));
    const asked = { partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState: 0 };
    const topics = [{ topicId: at.image.topicsByName.get('orders')!.id, partitions: [asked] }];
    const { epoch: brokerEpoch } = at.image.brokers.get(3)!;
    expect(
      at.run({ kind: 'alterPartition', brokerId: 3, brokerEpoch, topics }).topics[0]?.partitions[0]?.errorCode,
    ).toBe(0);
    duties.begin();
    await run(4_800, 1, 2, 3);
    expect(at.image.topicsByName.get('orders')?.partitions[0]?.leader).toBe(3);
    await run(600, 1, 2, 3);
    expect(at.image.topicsByName.get('orders')?.partitions[0]?.leader).toBe(wanted === 'true' ? 2 : 3);
  }
});

test('a leader is elected uncleanly when it is time, where the topic’s config allows it by then', async () => {
  const { at, duties, run } = active();
  for (const id of [1, 3, 2]) fence(at, id);
  at.run(registration(1));
  at.run(heartbeat(at, 3));
  duties.begin();
  await run(5_400, 3);
  expect(partitionLine(at, 'orders')).toBe('[2,3,1] led by -1 epoch 1 isr [2]');
  const changes = [{ name: 'unclean.leader.election.enable', value: 'true' }];
  const resources = [{ resource: 'topic' as const, name: 'orders', changes }];
  at.run({ kind: 'alterConfigs', requester: 'client', validateOnly: false, resources });
  await run(5_100, 3);
  expect(partitionLine(at, 'orders')).toBe('[2,3,1] led by 3 epoch 2 isr [3] recovering');
});
