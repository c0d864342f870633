/** The mirror's process: `node apps/mirror/src/main.ts --config FILE`. Loads nothing before the heap is bounded. */
import { setFlagsFromString } from 'node:v8';

// Nothing that passes through lives in the heap: a larger nursery would only be memory that is never given back. Loading
// the modules alone would let it grow to 14 MB.
setFlagsFromString('--semi-space-growth-factor=1');

await import('./mirror-process.ts');
