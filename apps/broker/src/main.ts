/** The broker's process: `node apps/broker/src/main.ts --config FILE`. */
import { runProcess } from '@meridian/service';
import { createBroker } from './broker.ts';
import { BROKER_CONFIG_SCHEMA } from './config.ts';

await runProcess({
  name: 'broker',
  configSchema: BROKER_CONFIG_SCHEMA,
  async start(io, config, log) {
    const broker = await createBroker({ io, config, log, onFatal: () => process.exit(1) });
    return {
      ready: { clientPort: broker.clientPort, internalPort: broker.internalPort },
      stop: () => broker.stop(),
    };
  },
});
