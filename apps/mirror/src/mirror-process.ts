/** What `main.ts` runs: reads config and links, and starts the mirror. Invariant: `main.ts` has set V8's flags before. */
import { runProcess } from '@meridian/service';
import { MIRROR_CONFIG } from './config.ts';
import { createMirror } from './mirror.ts';

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
