/**
 * `meridian topic create` and `topic list`: over the Kafka protocol, at a region's client listener. Names are
 * physical ones: a tenant's topic `cities` is `<tenant>.cities`.
 */
import { RegionCopies } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { errorName } from '@meridian/protocol';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { withRegionClient } from './region-client.ts';

export interface TopicOptions extends PlatformOptions {
  region: string;
  json?: boolean;
}

export interface TopicCreateOptions extends TopicOptions {
  partitions: number;
  config?: Record<string, string>;
}

const CALL = { timeoutMs: LIMITS.requestTimeoutMs };

export async function createTopic(
  io: Io,
  terminal: Terminal,
  name: string,
  options: TopicCreateOptions,
): Promise<void> {
  await withRegionClient(io, options, options.region, async (client) => {
    const topic = { name, numPartitions: options.partitions, configs: options.config ?? {} };
    const [outcome] = await client.createTopics([topic], CALL);
    if (outcome === undefined || outcome.errorCode !== 0) {
      const told = outcome?.errorMessage ?? '';
      throw new CliError('topic-failed', `${name}: ${errorName(outcome?.errorCode ?? -1)} ${told}`.trim());
    }
    const created = { region: options.region, topic: name, topicId: outcome.topicId };
    if (options.json) terminal.data(JSON.stringify(created));
    else terminal.say(`created ${name} in ${options.region}`);
  });
}

/** What a topic is stands in its configs, or with Apache Kafka in the mirror's records. */
export async function listTopics(io: Io, terminal: Terminal, options: TopicOptions): Promise<void> {
  const { engine } = findRegion(findPlatform(io, options), options.region);
  await withRegionClient(io, options, options.region, async (client) => {
    const copies = new RegionCopies({ io, client, engine });
    const found = await copies.topics();
    copies.close();
    const rows = found
      .map(({ name, id, partitions, facts }) => {
        const isCopy = facts !== undefined && facts.originRegion !== options.region && facts.promotedAt === undefined;
        const origin = isCopy ? facts.originRegion : null;
        return { region: options.region, topic: name, partitions, topicId: id, origin };
      })
      .sort((a, b) => (a.topic < b.topic ? -1 : 1));
    if (options.json) for (const row of rows) terminal.data(JSON.stringify(row));
    else {
      const cells = rows.map((row) => [row.topic, String(row.partitions), row.origin ?? '-', row.topicId]);
      for (const line of alignColumns([['TOPIC', 'PARTITIONS', 'COPY OF', 'ID'], ...cells])) terminal.data(line);
    }
  });
}
