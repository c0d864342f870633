/** The gateway as a process: `node main.ts --config FILE`. */
import { runProcess } from '@meridian/service';
import { CONFIG_SCHEMA, createGateway } from './gateway.ts';

await runProcess({
  name: 'gateway',
  configSchema: CONFIG_SCHEMA,
  async start(io, config, log) {
    const gateway = await createGateway({ io, config, log });
    return { ready: { port: gateway.port }, stop: () => gateway.stop() };
  },
});
