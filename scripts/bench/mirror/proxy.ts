/**
 * A TCP proxy that holds every byte back for half of a round trip in each direction, without a limit of bandwidth: a line
 * between continents on one machine. A process of its own (`node proxy.ts LISTEN TARGET DELAY_MS`), so that its CPU is
 * nobody's else. Used by `bench -- mirror`.
 * Invariant: bytes keep their order; what waits is bounded, beyond that the sender is held back.
 */
import { connect, createServer, type Socket } from 'node:net';

/** Of one direction of one connection: 100 MB/s for a second. */
const MAX_WAITING_BYTES = 100_000_000;
const HOST = '127.0.0.1';

const [listen, target, delayMs] = process.argv.slice(2).map(Number) as [number, number, number];
const server = createServer({ noDelay: true }, (near) => {
  const far = connect({ host: HOST, port: target, noDelay: true });
  delayed(near, far);
  delayed(far, near);
});
server.listen(listen, HOST, () => console.log('{"ready":true}'));
process.once('SIGTERM', () => process.exit(0));

function delayed(from: Socket, to: Socket): void {
  const waiting: { chunk: Buffer | undefined; dueMs: number }[] = [];
  let bytes = 0;
  let isArmed = false;
  const arm = (afterMs: number): void => {
    if (!isArmed) setTimeout(flush, afterMs);
    isArmed = true;
  };
  const flush = (): void => {
    isArmed = false;
    const nowMs = performance.now();
    while (waiting.length > 0 && waiting[0]!.dueMs <= nowMs) {
      const { chunk } = waiting.shift()!;
      if (chunk === undefined) return void to.end();
      bytes -= chunk.length;
      to.write(chunk);
    }
    if (bytes < MAX_WAITING_BYTES && to.writableLength < MAX_WAITING_BYTES) from.resume();
    if (waiting.length > 0) arm(Math.max(1, waiting[0]!.dueMs - nowMs));
  };
  const hold = (chunk: Buffer | undefined): void => {
    waiting.push({ chunk, dueMs: performance.now() + delayMs });
    bytes += chunk?.length ?? 0;
    if (bytes >= MAX_WAITING_BYTES) from.pause();
    arm(delayMs);
  };
  from.on('data', hold);
  from.once('end', () => hold(undefined));
  from.once('error', () => to.destroy());
  from.once('close', () => to.destroySoon());
}
