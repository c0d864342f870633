/** The mirror's process: `node apps/mirror/src/main.ts --config FILE`. */
import { setFlagsFromString } from 'node:v8';
import { runProcess } from '@meridian/service';
import { MIRROR_CONFIG } from './config.ts';
import { createMirror } from './mirror.ts';

// Nothing that passes through lives in the heap: a larger nursery would only be memory that is never given back.
setFlagsFromString('--semi-space-growth-factor=1');

await runProcess({
  name: 'mirror',
  configSchema: MIRROR_CONFIG,
  async start(io, config, log) {
    // A YAML parser costs 8 MB: it is loaded only where there is a file.
    const reader = config.linksFile === undefined ? undefined : await import('@meridian/service/links');
    const mirror = await createMirror({ io, config, log, ...(reader && { readLinks: reader.readLinks }) });
    return { ready: { managementPort: mirror.managementPort }, stop: () => mirror.stop() };
  },
});
