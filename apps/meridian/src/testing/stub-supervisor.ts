/** Starts one stub part, says its pid once it is ready, and waits to be killed. */
import { startPartProcess } from '../local/part-process.ts';

const part = startPartProcess({
  main: `${import.meta.dirname}/stub-part.ts`,
  configFile: process.argv[2] as string,
  labels: { region: 'us-east' },
  compileCacheFolder: '',
  onReady: (ports) => process.stdout.write(`${JSON.stringify({ pid: part.pid, ports })}\n`),
  onLogLine: () => undefined,
  onExit: () => process.exit(3),
});
