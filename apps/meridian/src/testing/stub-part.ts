/** A part of no use, for the tests of the supervisor's processes: it gets ready and waits for its end. */
import { runProcess } from '@meridian/service';

await runProcess({
  name: 'stub',
  configSchema: { type: 'object', required: ['port'], properties: { port: { type: 'integer' } } } as const,
  async start(io, config) {
    const idle = setInterval(() => io.clock.now(), 1_000);
    return { ready: { port: config.port }, stop: async () => clearInterval(idle) };
  },
});
