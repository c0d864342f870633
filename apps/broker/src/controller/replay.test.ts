/**
 * Random commands on a simulated machine that is killed and loses power: a replayed image equals the live one, and what
 * was answered is in it.
 */
import { silentLogger } from '@meridian/io';
import { below, createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { ERROR, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { type LoneController, openLoneController } from '../testing/lone-controller.ts';
import type { Command } from './commands.ts';
import { createTopics, newTopic, registration } from './decide/scenario.ts';
import type { MetadataImage } from './image.ts';

const NAMES = ['a', 'b.c', 'b_c', 'd', 'e', 'f-1', 'bad name', 'eu-west.x'];
const CONFIGS = ['retention.ms', 'segment.bytes', 'cleanup.policy'];

/** All that an image says, in an order of its own. */
function contents(image: MetadataImage): unknown {
  return {
    brokers: [...image.brokers.values()],
    topics: [...image.topicsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    byId: new Map([...image.topicsById].map(([id, topic]) => [id, topic.name])),
    collisions: image.namesByCollisionKey,
    configs: [...NAMES].map((name) => [name, image.configOf('topic', name)]),
    broker: image.configOf('broker', ''),
    features: image.features,
    nextProducerId: image.nextProducerId,
  };
}

/** What has been answered about each name; a name whose command is still out may be either way. */
interface Model {
  readonly partitions: Map<string, number>;
  readonly out: Set<string>;
}

function randomCommand(world: SimWorld, name: string): Command {
  const pick = <T>(items: readonly T[]): T => items[below(world.random, items.length)]!;
  const { random } = world;
  switch (below(random, 6)) {
    case 0:
      return { kind: 'deleteTopics', requester: 'client', topics: [{ name, topicId: ZERO_UUID }] };
    case 1: {
      const topics = [{ name, count: below(random, 12), assignments: null }];
      return { kind: 'createPartitions', requester: 'client', validateOnly: false, topics };
    }
    case 2: {
      const value = pick(['1048576', '2000000', 'compact', null]);
      const resources = [{ resource: 'topic' as const, name, changes: [{ name: pick(CONFIGS), value }] }];
      return { kind: 'alterConfigs', requester: 'client', validateOnly: below(random, 5) === 0, resources };
    }
    case 3:
      return { kind: 'allocateProducerIds', brokerId: 1 };
    default:
      return createTopics([newTopic(name, { numPartitions: below(random, 5) })]);
  }
}

async function act(world: SimWorld, controller: LoneController, model: Model): Promise<void> {
  const name = NAMES[below(world.random, NAMES.length)]!;
  if (model.out.has(name)) return;
  const command = randomCommand(world, name);
  if (command.kind !== 'allocateProducerIds') model.out.add(name);
  const result = await controller.submit(command);
  if (command.kind === 'allocateProducerIds') return;
  model.out.delete(name);
  const answer = 'topics' in result ? result.topics[0] : undefined;
  if (answer === undefined || !('errorCode' in answer) || answer.errorCode !== ERROR.NONE) return;
  if (command.kind === 'deleteTopics') model.partitions.delete(name);
  if (command.kind === 'createTopics') model.partitions.set(name, command.topics[0]!.numPartitions);
  if (command.kind === 'createPartitions') model.partitions.set(name, command.topics[0]!.count);
}

async function open(world: SimWorld, node: SimNode): Promise<LoneController> {
  const config = {
    regionId: 1,
    nodeId: 1,
    dataFolder: '/data',
    regions: ['us-east', 'eu-west'],
    defaultPartitions: 2,
  };
  return world.settle(openLoneController({ io: node.boot(), config, log: silentLogger }));
}

function expectAnswered(image: MetadataImage, model: Model): void {
  for (const name of NAMES) {
    if (!model.out.has(name)) {
      expect([name, image.topicsByName.get(name)?.partitions.length]).toEqual([name, model.partitions.get(name)]);
    }
  }
}

function learn(image: MetadataImage, model: Model): void {
  model.out.clear();
  model.partitions.clear();
  for (const { name, partitions } of image.topicsByName.values()) model.partitions.set(name, partitions.length);
}

async function life(world: SimWorld, node: SimNode, model: Model): Promise<void> {
  const controller = await open(world, node);
  expectAnswered(controller.image, model);
  learn(controller.image, model);
  await world.settle(controller.register(registration(1).endpoints));
  for (let i = below(world.random, 40); i > 0; i--) {
    void act(world, controller, model);
    if (below(world.random, 3) === 0) await world.run(world.now() + below(world.random, 4));
  }
  switch (below(world.random, 4)) {
    case 0: {
      await world.settle(controller.close());
      const live = contents(controller.image);
      expect(contents((await open(world, node)).image)).toEqual(live);
      break;
    }
    case 1: {
      await world.run(world.now() + 1000);
      const live = contents(controller.image);
      node.kill();
      expect(contents((await open(world, node)).image)).toEqual(live);
      break;
    }
    case 2:
      node.kill();
      break;
    default:
      node.powerLoss();
  }
}

test.each(Array.from({ length: 25 }, (_, seed) => seed))('replay equals the live image, seed %i', async (seed) => {
  const world = createSimWorld({ seed });
  const node = world.node('broker');
  node.setSyncLatency([0, 3]);
  const model: Model = { partitions: new Map(), out: new Set() };
  for (let round = 0; round < 12; round++) await life(world, node, model);
});
