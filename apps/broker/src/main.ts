/** The broker's process: `node apps/broker/src/main.ts --config FILE`. */
import { setFlagsFromString } from 'node:v8';
import { runProcess } from '@meridian/service';
import { createBroker } from './broker.ts';
import { BROKER_CONFIG_SCHEMA } from './config.ts';

// Batches live outside V8's heap. By default 32 MB of them bring on a full collection: with the first flag they count as
// part of the heap. The second keeps the young generation small; one that may grow answers 15 % more small requests, and
// takes 100 MB more.
setFlagsFromString('--external-memory-accounted-in-global-limit');
setFlagsFromString('--semi-space-growth-factor=1');

await runProcess({
  name: 'broker',
  configSchema: BROKER_CONFIG_SCHEMA,
  async start(io, config, log, givenUp) {
    const broker = await createBroker({ io, config, log, givenUp, onFatal: () => process.exit(1) });
    return {
      ready: { clientPort: broker.clientPort, internalPort: broker.internalPort },
      stop: (onProgress) => broker.stop(onProgress),
    };
  },
});
