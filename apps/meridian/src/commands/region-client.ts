/**
 * A Kafka client to a region's brokers, of either engine, as commands need it (`topic`, `translate`): on the listener
 * for clients, or with the settings that the region's file has for an Apache Kafka.
 */
import { type Client, createClient } from '@meridian/client';
import { type Io, silentLogger } from '@meridian/io';
import { kafkaEndpoint } from '@meridian/service';
import { brokersOf } from '@meridian/service/regions';
import { readMarker } from '../local/data-folder.ts';
import { kafkaSettingsOf } from '../local/kafka-region.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';

/** Whoever opens it closes it. Nothing is connected yet. */
export function openRegionClient(io: Io, options: PlatformOptions, name: string): Client {
  const region = findRegion(findPlatform(io, options), name);
  const shared = { io, clientId: 'meridian-cli', log: silentLogger };
  if (region.engine === 'kafka') {
    return createClient({ ...shared, ...kafkaEndpoint(io, kafkaSettingsOf(region.kafka, options.regions)) });
  }
  return createClient({ ...shared, bootstrap: brokersOf(region, readMarker(io, options.data)?.brokers ?? 1) });
}

export async function withRegionClient<T>(
  io: Io,
  options: PlatformOptions,
  name: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = openRegionClient(io, options, name);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
