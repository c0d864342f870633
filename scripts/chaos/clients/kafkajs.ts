/**
 * kafkajs' producer, and a group of two of its consumers, each a process (`kafkajs-main.ts`). Its consumer can fall into a loop in
 * which nothing else of its process has a turn (2.2.4, when a leader goes): such a member is ended, as its session will be,
 * and another takes its place.
 */
import { join } from 'node:path';
import type { ChaosClient, ChaosContext } from './chaos-client.ts';
import { argsOf, type LineProcess, startLineProcess } from './line-process.ts';

/** Node warns of how kafkajs sets its timers. */
const PROGRAM = ['--no-warnings', join(import.meta.dirname, 'kafkajs-main.ts')];
const MEMBERS = 2;
const LOOK_EVERY_MS = 1_000;
/** It says something every second. */
const SILENT_MS = 15_000;

export function startKafkajsProducer(name: string, context: ChaosContext): ChaosClient {
  const { ledger } = context;
  const take = (kind: string, [value = '', partition = '', ...rest]: string[]): void => {
    if (kind === 'A') ledger.acknowledged(value, Number(partition), Number(rest[0]));
    else if (kind === 'S' || kind === 'U') ledger.unknown(value, Number(partition), rest.join(' '));
  };
  const child = startLineProcess({
    command: process.execPath,
    args: [...PROGRAM, ...argsOf('produce', context, name)],
    take,
  });
  return { name, stop: () => child.stop() };
}

export function startKafkajsGroup(name: string, context: ChaosContext): ChaosClient {
  const { ledger } = context;
  const received = ledger.group(name);
  const take = (kind: string, [partition, offset, ...rest]: string[]): void => {
    if (kind === 'R') ledger.received(received, Number(partition), { offset: Number(offset), value: rest.join(' ') });
  };
  const join = (): LineProcess =>
    startLineProcess({ command: process.execPath, args: [...PROGRAM, ...argsOf('read', context, name)], take });
  const members = Array.from({ length: MEMBERS }, join);
  const isSilent = (member: LineProcess): boolean => performance.now() - member.heardAtMs > SILENT_MS;
  const watch = setInterval(() => {
    members.forEach((member, index) => {
      if (!isSilent(member)) return;
      console.log(`          a member of ${name} has fallen silent in a loop of its own, and another takes its place`);
      members[index] = join();
      void member.kill();
    });
  }, LOOK_EVERY_MS);
  return {
    name,
    async stop() {
      clearInterval(watch);
      // What it has read is known by now; in a loop it would not hear that it is to leave.
      await Promise.all(members.map((member) => (isSilent(member) ? member.kill() : leave(member))));
    },
  };
}

/** At its end it may loop, too. */
async function leave(member: LineProcess): Promise<void> {
  const timer = setTimeout(() => void member.kill(), SILENT_MS);
  await member.stop().catch(() => {});
  clearTimeout(timer);
}
