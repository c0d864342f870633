/**
 * How the parts of a local platform reach a region: Meridian's own brokers by their internal listeners, an Apache Kafka
 * cluster by the settings of its file. Asked by `part-plan.ts` and by commands that speak to a region's brokers.
 * Invariant: of a region whose engine is `kafka` nothing is started here but a gateway and a mirror.
 */
import { resolve } from 'node:path';
import type { KafkaSettings } from '@meridian/service';
import { brokersOf, type Region } from '@meridian/service/regions';

/** As the configs of mirrors and gateways have it: one of the two. */
export type Endpoint = { bootstrap: { host: string; port: number }[] } | { kafka: KafkaSettings };

const FILES = ['sasl.password.file', 'ssl.truststore.location', 'ssl.keystore.location'] as const;

/** `brokers`: in each region that has its own. Files that the settings name lie beside the region's file. */
export function endpointOf(region: Region, brokers: number, regionsFolder: string): Endpoint {
  if (region.engine === 'embedded') {
    return { bootstrap: brokersOf(region, brokers).map(({ host, internalPort }) => ({ host, port: internalPort })) };
  }
  return { kafka: kafkaSettingsOf(region.kafka, regionsFolder) };
}

export function kafkaSettingsOf(settings: KafkaSettings, regionsFolder: string): KafkaSettings {
  const kafka = { ...settings };
  for (const name of FILES) {
    const path = kafka[name];
    if (path !== undefined) kafka[name] = resolve(regionsFolder, path);
  }
  return kafka;
}
