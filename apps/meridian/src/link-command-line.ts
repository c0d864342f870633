/**
 * The commands of links: `link …`, `gaps`, `verify`, `translate`, `failover`, `failback`. Called by `command-line.ts`,
 * which has the flags that all commands share. Each loads its own file when it runs.
 */
import type { Io } from '@meridian/io';
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

export interface CommandLine {
  readonly io: Io;
  readonly terminal: Terminal;
  /** A command with the flags that all have. */
  command(parent: Command, usage: string, description: string): Command;
  collect(text: string, sofar?: string[]): string[];
  wholeNumber(text: string): number;
  addPair(text: string, sofar?: Record<string, string>): Record<string, string>;
}

export function addLinkCommands(line: CommandLine, program: Command): void {
  addLinks(line, program.command('link').description('links: what is mirrored where'));
  addChecks(line, program);
  addFailover(line, program);
  addFailback(line, program);
}

function addLinks({ io, terminal, command, collect, wholeNumber, addPair }: CommandLine, link: Command): void {
  const load = () => import('./commands/link.ts');
  command(link, 'create [name]', 'create a link; without a name it is <from>-<to>')
    .requiredOption('--from <region>', 'the region that is mirrored')
    .requiredOption('--to <region>', 'the region that the copies are written to')
    .option('--topic <name>', 'a topic; can be repeated. Without topics, prefix and pattern: all', collect)
    .option('--prefix <text>', 'topics whose names begin so')
    .option('--pattern <expression>', 'topics whose whole names match')
    .option('--exclude <name>', 'not this topic; can be repeated', collect)
    .option('--exclude-prefix <text>', 'not topics whose names begin so')
    .option('--exclude-pattern <expression>', 'not topics whose whole names match')
    .option('--policy <policy>', 'prefix: copies are <from>.<topic>; identity: <topic>, for one-way links')
    .option('--start <where>', 'of topics that are there already: earliest, latest, or a time')
    .option('--bandwidth <bytes>', 'at most so many bytes per second', wholeNumber)
    .option('--compression <codec>', 'zstd or lz4: records are compressed on their way between the regions')
    .option('--config <name>', 'a topic config that copies follow, instead of the usual ones; can be repeated', collect)
    .option('--acls', 'rules for reading follow, too')
    .option('--group <name>', 'a consumer group whose offsets follow; can be repeated. Without it: all', collect)
    .option('--group-pattern <expression>', 'groups whose whole names match')
    .option('--without-groups', 'offsets of groups stay behind')
    .option('--on-gap <policy>', 'halt, mark-gap or new-incarnation, when records were lost at the origin')
    .option('--topic-on-gap <topic=policy>', 'for one topic; can be repeated', addPair)
    .option('--mm2', "write MirrorMaker 2's topics, for clients that read them")
    .action(async (name, { topic, config, group, ...options }) =>
      (await load()).createLink(io, terminal, name, { ...options, topics: topic, configs: config, groups: group }),
    );
  const named = (usage: string, description: string): Command =>
    command(link, usage, description).option(
      '--region <name>',
      'where it leads to, if two regions have one of that name',
    );
  named('describe <name>', 'show what a link says, and how far it is').action(async (name, options) =>
    (await load()).describeLink(io, terminal, name, options),
  );
  named('pause <name>', 'rest; where it is stays as it is')
    .option('--by <who>', 'shown to whoever looks at the link')
    .action(async (name, options) => (await load()).pauseLink(io, terminal, name, options));
  named('resume <name>', 'go on')
    .option('--topic <name>', 'let a topic that is halted begin anew, after what halted it was put right')
    .action(async (name, options) => (await load()).resumeLink(io, terminal, name, options));
  named('confirm <name>', 'delete the copy of a topic that its origin has deleted')
    .requiredOption('--topic <name>', 'the topic, as at its origin')
    .action(async (name, options) => (await load()).confirmDeletion(io, terminal, name, options));
  named('decide <name>', 'say what becomes of a topic that is halted because its origin lost records')
    .requiredOption('--topic <name>', 'the topic, as at its origin')
    .requiredOption('--policy <policy>', 'mark-gap: go on behind them; new-incarnation: begin the copy anew')
    .option('--partition <number>', 'only this one', wholeNumber)
    .action(async (name, options) => (await load()).decideLostRange(io, terminal, name, options));
  named('delete <name>', 'end a link; its copies stay as they are').action(async (name, options) =>
    (await load()).deleteLink(io, terminal, name, options),
  );
  link.addHelpText(
    'after',
    '\nLinks of regions/links.yaml are changed there; here they can be described, paused and resumed.',
  );
}

function addChecks({ io, terminal, command, collect, wholeNumber }: CommandLine, program: Command): void {
  command(program, 'translate', 'say where a group, an offset or a cursor goes on in another region')
    .option('--from <region>', 'where the group or the offset is')
    .requiredOption('--to <region>', 'where it is to go on')
    .option('--group <name>', 'what the group has committed')
    .option('--topic <name>', 'with --partition and --offset; or, with --cursor, as its tenant calls it')
    .option('--partition <number>', 'of --topic', wholeNumber)
    .option('--offset <number>', 'the next one that is read', wholeNumber)
    .option('--cursor <text>', "a client's cursor; needs --tenant and --topic")
    .option('--tenant <name>', 'whose cursor it is')
    .addHelpText(
      'after',
      '\nThe answer is exact, `behind N` (records that are not there yet) or `gap A..B` (records that never will be).\nExit code 1 if it is not exact.',
    )
    .action(async (options) => (await import('./commands/translate.ts')).translate(io, terminal, options));
  command(program, 'gaps', 'show what origins lost before it was copied; exit code 1 if there is any')
    .option('--region <name>', 'in this region alone; can be repeated', collect)
    .action(async (options) => (await import('./commands/gaps.ts')).printGaps(io, terminal, options));
  command(program, 'verify <topic>', 'compare all of a topic with its copies; exit code 1 if they differ')
    .option('--region <name>', 'the copies of this region alone; can be repeated', collect)
    .option('--link <name>', 'of this link alone')
    .addHelpText('after', '\nA topic is named as at its origin, or as its copy. It reads the topic in both regions.')
    .action(async (topic, options) => (await import('./commands/verify.ts')).verifyTopic(io, terminal, topic, options));
}

function orders({ command }: CommandLine, parent: Command, what: string): { plan: Command; run: Command } {
  const order = (usage: string, description: string): Command =>
    command(parent, `${usage} <topic|tenant|region>`, description).option('--from <region>', 'of this region alone');
  const run = order('run', 'do it; the mirror goes on when this ends, and the same command looks on');
  return {
    plan: order('plan', `say what it costs and does, and change nothing; ${what}`),
    run: run.option('--force', 'although it is written to, and without waiting'),
  };
}

function addFailover(line: CommandLine, program: Command): void {
  const { io, terminal } = line;
  const load = () => import('./commands/failover.ts');
  const failover = program.command('failover').description('let another region take over');
  const { plan, run } = orders(line, failover, 'exit code 1 if records are missing');
  plan
    .requiredOption('--to <region>', 'the region that takes over')
    .action(async (name, options) => (await load()).showFailoverPlan(io, terminal, name, options));
  run
    .requiredOption('--to <region>', 'the region that takes over')
    .action(async (name, options) => (await load()).runFailover(io, terminal, name, options));
}

function addFailback(line: CommandLine, program: Command): void {
  const { io, terminal } = line;
  const load = () => import('./commands/failback.ts');
  const failback = program.command('failback').description('bring back what another region took over');
  const { plan, run } = orders(line, failback, 'exit code 1 if something has to be kept aside');
  plan
    .requiredOption('--to <region>', 'the region that gets it back')
    .action(async (name, options) => (await load()).showFailbackPlan(io, terminal, name, options));
  run
    .requiredOption('--to <region>', 'the region that gets it back')
    .action(async (name, options) => (await load()).runFailback(io, terminal, name, options));
}
