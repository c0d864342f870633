/**
 * What an administrator does to a log while it is copied: deletes records that one region has not got yet, and makes a
 * topic again under its name. Part of the storm.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { below } from '@meridian/io/sim';
import { DeleteTopics, ERROR } from '@meridian/protocol';
import type { Storm } from './faults.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';
import { copyOf, topicConfigs } from './plan.ts';
import { writeInto } from './writer.ts';

/**
 * A link is cut, records are written behind the cut and deleted, and the link heals: what had not come is lost to the other
 * side. Whatever is deleted enters the history; the checker knows who has had it.
 */
export function deleteRecords({ mesh, history, one }: Storm): () => void {
  const { from, to } = one(mesh.pairs());
  const { world } = mesh;
  const partition = below(world.random, GEO.partitions);
  const links = mesh.between(from, to);
  for (const link of links) link.set({ cut: true });
  const { io, client } = from.client('admin');
  let isHealed = false;
  void (async () => {
    const name = `${from.name}-cut${Math.round(world.now())}`;
    const trace = (line: string): void => world.trace(line);
    const { topics } = mesh.plan;
    await writeInto({ region: from, name, topics, history, trace, now: () => world.now() }, 'short', partition);
    await io.timers.sleep(GEO.behindCutMs);
    if (isHealed) return; // the storm is over
    history.deletedIn.add(`${from.name}/${partition}`);
    const [deleted] = await client.deleteRecords([{ topic: 'short', partition, offset: -1 }]);
    if (deleted?.errorCode !== ERROR.NONE) return;
    for (const { region, topic, partition: at, offset, value } of history.acknowledged)
      if (region === from.name && topic === 'short' && at === partition && offset < deleted.lowWatermark)
        history.cutOffs.push({ from: from.name, topic, partition, offset, value });
  })()
    .catch((error: Error) => world.trace(`records were not deleted: ${error.message}`))
    .finally(() => client.close());
  return () => {
    isHealed = true;
    for (const link of links) link.set({ cut: false });
  };
}

/** The cleaners of regions on Apache Kafka, at `keyed` and its copies; our own brokers have theirs. */
export function keepCompacting(mesh: Mesh, isOver: () => boolean): void {
  for (const { name, disk } of mesh.regions)
    for (const origin of mesh.regions) disk?.compact(origin.name === name ? 'keyed' : copyOf(origin.name, 'keyed'));
  mesh.world.after(GEO.compactMs, () => {
    if (!isOver()) keepCompacting(mesh, isOver);
  });
}

/** Under the same name, empty, with another id. */
export function recreateTopic({ mesh, history, one }: Storm): undefined {
  const region = one(mesh.regions);
  const { io, client } = region.client('admin');
  void again(client, io, topicConfigs(region.plan, 'renewed'), () =>
    history.lives.set(region.name, (history.lives.get(region.name) ?? 0) + 1),
  )
    .catch((error: Error) => mesh.world.trace(`a topic was not made again: ${error.message}`))
    .finally(() => client.close());
  return undefined;
}

/** By its id: a request that was given up and arrives late must not delete what was made since. */
async function again(client: Client, io: Io, configs: Record<string, string>, begin: () => void): Promise<void> {
  const { topics: known } = await client.metadata(['renewed'], { maxAgeMs: 0 });
  const topics = [{ name: null, topicId: known.get('renewed')!.id }];
  for (let isGone = false; !isGone; ) {
    const answer = await client
      .send(DeleteTopics, { topics, timeoutMs: GEO.clientRequestMs }, 'any')
      .catch(() => undefined);
    const code = answer?.responses[0]?.errorCode;
    isGone = code === ERROR.NONE || code === ERROR.UNKNOWN_TOPIC_ID;
    if (!isGone) await io.timers.sleep(GEO.retryMs);
  }
  begin();
  const topic = { name: 'renewed', numPartitions: GEO.partitions, configs };
  for (;;) {
    const [outcome] = await client.createTopics([topic]).catch(() => []);
    if (outcome?.errorCode === ERROR.NONE || outcome?.errorCode === ERROR.TOPIC_ALREADY_EXISTS) return;
    await io.timers.sleep(GEO.retryMs);
  }
}
