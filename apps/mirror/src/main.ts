/** The mirror's process: `node apps/mirror/src/main.ts --config FILE`. */
import { runProcess } from '@meridian/service';
import { MIRROR_CONFIG } from './config.ts';
import { createMirror } from './mirror.ts';

await runProcess({
  name: 'mirror',
  configSchema: MIRROR_CONFIG,
  async start(io, config, log) {
    const mirror = await createMirror({ io, config, log });
    return { ready: { managementPort: mirror.managementPort }, stop: () => mirror.stop() };
  },
});
