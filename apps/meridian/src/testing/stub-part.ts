/** A part of no use, for the tests of the supervisor's processes: it gets ready, waits for its end and leaves a file. */
import { runProcess } from '@meridian/service';

await runProcess({
  name: 'stub',
  configSchema: {
    type: 'object',
    required: ['port'],
    properties: { port: { type: 'integer' }, goodbyeFile: { type: 'string' }, waits: { type: 'boolean' } },
  } as const,
  async start(io, config, log, givenUp) {
    if (config.waits) {
      log.info('waiting');
      const idle = setInterval(() => io.clock.now(), 1_000);
      await new Promise((resolve) => givenUp.addEventListener('abort', resolve));
      clearInterval(idle);
      throw new Error('given up');
    }
    const idle = setInterval(() => io.clock.now(), 1_000);
    const stop = async (): Promise<void> => {
      clearInterval(idle);
      if (config.goodbyeFile !== undefined) io.disk.replaceFile(config.goodbyeFile, Buffer.from('stopped in order'));
    };
    return { ready: { port: config.port }, stop };
  },
});
