/**
 * One copy of a topic of one partition that was filled beforehand, by a mirror that is started for it: how long until the
 * first record is there, how fast the rest comes, what CPU and memory the mirror takes for it.
 * Invariant: time and CPU of the copying are counted between the first record seen at the target and the last, so that
 * nobody's start counts as slowness.
 */
import type { NodeProcess } from '../../peers/node-process.ts';
import { cpuSeconds, peakResidentMb } from '../../peers/process-usage.ts';
import { EndProbe, pause } from './topics.ts';

const LOOK_EVERY_MS = 4;
const LIMIT_MS = 300_000;

export interface CopyResult {
  /** From the start of the mirror's process. */
  readonly firstRecordMs: number;
  readonly recordsPerSecond: number;
  readonly mbPerSecond: number;
  readonly cpuMsPerMb: number;
  readonly targetCpuMsPerMb: number;
  readonly peakMb: number;
}

export interface CopyRun {
  readonly mirror: NodeProcess;
  readonly target: { readonly port: number; readonly node: NodeProcess };
  readonly copy: string;
  readonly records: number;
  readonly bytes: number;
}

/** Starts the mirror, and leaves it running. */
export async function runCopy({ mirror, target, copy, records, bytes }: CopyRun): Promise<CopyResult> {
  const probe = await EndProbe.open(target.port);
  const began = performance.now();
  try {
    await mirror.start();
    const first = await reached(probe, copy, 1, began);
    const cpu = [cpuOf(mirror), cpuOf(target.node)];
    const last = await reached(probe, copy, records, began);
    const seconds = (last.atMs - first.atMs) / 1000;
    const megabytes = (bytes * (records - first.end)) / records / 1e6;
    return {
      firstRecordMs: first.atMs - began,
      recordsPerSecond: (records - first.end) / seconds,
      mbPerSecond: megabytes / seconds,
      cpuMsPerMb: ((cpuOf(mirror) - cpu[0]!) * 1000) / megabytes,
      targetCpuMsPerMb: ((cpuOf(target.node) - cpu[1]!) * 1000) / megabytes,
      peakMb: peakResidentMb(mirror.pid as number),
    };
  } finally {
    probe.close();
  }
}

async function reached(probe: EndProbe, copy: string, wanted: number, began: number) {
  for (;;) {
    const [end = -1] = await probe.ends(copy, 1);
    const atMs = performance.now();
    if (end >= wanted) return { end, atMs };
    if (atMs - began > LIMIT_MS) throw new Error(`${copy} has ${end} of ${wanted} records after ${LIMIT_MS} ms`);
    await pause(LOOK_EVERY_MS);
  }
}

function cpuOf({ pid }: NodeProcess): number {
  if (pid === undefined) throw new Error('a process of the bench has ended');
  return cpuSeconds(pid);
}
