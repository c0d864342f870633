/** Opens a partition's folder, recovering what a crash left behind. */
import type { Log, OpenLogOptions } from './log-interface.ts';

export function openLog(options: OpenLogOptions): Log {
  throw new Error(`not yet: ${options.folder}`);
}
