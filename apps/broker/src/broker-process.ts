/** What `main.ts` runs: the broker by its config. Invariant: `main.ts` has set V8's flags before. */
import { runProcess } from '@meridian/service';
import { createBroker } from './broker.ts';
import { BROKER_CONFIG_SCHEMA } from './config.ts';

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
