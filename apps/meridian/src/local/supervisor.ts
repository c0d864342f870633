/**
 * Runs the parts of the local platform: starts them together, restarts one that dies, stops them in order.
 * Called by `meridian local`; decides nothing itself (`part-machine.ts` does).
 * Invariant: `stop` returns when no process of ours is left.
 */
import type { Io, Timer } from '@meridian/io';
import { newPart, type Part, type PartEffect, type PartInput, stepPart } from './part-machine.ts';
import type { PartProcess, PartProcessOptions } from './part-process.ts';

export interface PartSpec {
  /** `us-east/broker`. */
  name: string;
  /** Parts with a higher rank are stopped first. */
  stopRank: number;
  process: Omit<PartProcessOptions, 'onReady' | 'onExit' | 'onLogLine'>;
  onLogLine(line: string): void;
}

export interface SupervisorOptions {
  io: Pick<Io, 'clock' | 'timers'>;
  parts: readonly PartSpec[];
  startProcess(options: PartProcessOptions): PartProcess;
  tell(part: string, level: 'info' | 'warn' | 'error', message: string): void;
  /** The processes that live now, by part; called at every change. */
  onPids(pids: Record<string, number>): void;
}

export interface Supervisor {
  /** Resolves when every part has been ready once; rejects with the part's name when one fails before. */
  start(): Promise<void>;
  /** Asks every part to end, those of a higher rank first. */
  stop(): Promise<void>;
  /** Kills whatever is left, at once. */
  kill(): void;
}

interface Slot {
  spec: PartSpec;
  part: Part;
  process: PartProcess | undefined;
  timer: Timer | undefined;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { io } = options;
  const slots: Slot[] = options.parts.map((spec) => ({ spec, part: newPart(), process: undefined, timer: undefined }));
  const watchers = new Set<() => void>();

  const input = (slot: Slot, what: PartInput): void => {
    for (const effect of stepPart(slot.part, what, io.clock.monotonic())) perform(slot, effect);
    for (const watcher of [...watchers]) watcher();
  };
  const perform = (slot: Slot, effect: PartEffect): void => {
    if (effect.type === 'tell') return options.tell(slot.spec.name, effect.level, effect.message);
    if (effect.type === 'signal') return slot.process?.signal(effect.signal);
    if (effect.type === 'spawn') return spawn(slot);
    slot.timer?.cancel();
    if (effect.type === 'arm') slot.timer = io.timers.after(effect.delayMs, () => input(slot, { type: 'time' }));
  };
  const spawn = (slot: Slot): void => {
    slot.process = options.startProcess({
      ...slot.spec.process,
      onReady: () => input(slot, { type: 'ready' }),
      onLogLine: slot.spec.onLogLine,
      onExit: (how) => {
        slot.process = undefined;
        tellPids();
        input(slot, { type: 'exited', how });
      },
    });
    tellPids();
  };
  const tellPids = (): void => {
    const live = slots.flatMap(({ spec, process }) =>
      process === undefined ? [] : [[spec.name, process.pid] as const],
    );
    options.onPids(Object.fromEntries(live));
  };
  /** Resolves when `done` says so; looked at after every input. */
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!done()) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  const isOver = ({ part }: Slot): boolean => part.state === 'stopped' || part.state === 'failed';

  return {
    async start() {
      for (const slot of slots) input(slot, { type: 'start' });
      const failed = (): Slot | undefined => slots.find(({ part }) => part.state === 'failed');
      await until(() => failed() !== undefined || slots.every(({ part }) => part.wasReady || part.state === 'stopped'));
      const slot = failed();
      if (slot !== undefined) throw new Error(slot.spec.name);
    },
    async stop() {
      const ranks = [...new Set(slots.map(({ spec }) => spec.stopRank))].sort((a, b) => b - a);
      for (const rank of ranks) {
        const group = slots.filter(({ spec }) => spec.stopRank === rank);
        for (const slot of group) input(slot, { type: 'stop' });
        await until(() => group.every(isOver));
      }
    },
    kill() {
      for (const { process } of slots) process?.signal('SIGKILL');
    },
  };
}
