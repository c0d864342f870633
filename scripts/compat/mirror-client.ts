/**
 * Apache Kafka's connect-mirror-client (`RemoteClusterUtils`) against what a link with `mm2: true` writes: translated
 * offsets of a group lead to the next record in the copy, and heartbeats tell which clusters feed this one.
 */
import { resolve } from 'node:path';
import { installKafka, kafkaTool } from '../peers/kafka.ts';
import { meridianMirror } from '../peers/meridian-mirror.ts';
import { type Engine, openRegion } from '../peers/mirror-region.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

const SOURCE = resolve(import.meta.dirname, 'mirror-client', 'Translate.java');
const PORTS = { west: 31_700, east: 31_710, management: 31_720 } as const;
const LIMIT_MS = 120_000;
const HEAP = '384M';

export const mirrorClientClient: CompatClient = {
  name: 'mirror-client',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [check('embedded'), check('kafka')],
};

/** From an embedded region to one of this engine. */
function check(engine: Engine): CompatCheck {
  return {
    name: `RemoteClusterUtils finds a group's place in copies on an engine that is ${engine}`,
    run: async () => {
      const west = await openRegion({ engine: 'embedded', name: 'west', id: 1, port: PORTS.west });
      const east = await openRegion({ engine, name: 'east', id: 2, port: PORTS.east, heap: HEAP });
      const mirror = meridianMirror({ from: west, to: east, managementPort: PORTS.management, link: { mm2: true } });
      try {
        for (const process of [west.node, east.node, mirror]) await process.start();
        const [source, target] = [west, east].map(({ port }) => `127.0.0.1:${port}`);
        await kafkaTool(SOURCE, [source!, target!, west.name], { timeoutMs: LIMIT_MS });
      } finally {
        await mirror.kill();
        for (const region of [west, east]) await region.remove();
      }
    },
  };
}
