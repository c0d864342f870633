/** The broker's process: `node apps/broker/src/main.ts --config FILE`. Loads nothing before the heap is bounded. */
import { setFlagsFromString } from 'node:v8';

// Batches live outside V8's heap. By default 32 MB of them bring on a full collection: with the first flag they count as
// part of the heap. The second keeps the young generation small, which loading the modules alone would let grow to 14 MB;
// one that may grow answers 15 % more small requests, and takes 100 MB more.
setFlagsFromString('--external-memory-accounted-in-global-limit');
setFlagsFromString('--semi-space-growth-factor=1');

await import('./broker-process.ts');
