/**
 * The command line, `meridian <command>`: parses, then loads the command's own file. `npm start` is `meridian local`.
 * Invariant: data goes to stdout and all else to stderr; the exit code is 0, 1 (failed) or 2 (wrong usage).
 */
import type { Io } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { EXIT } from './errors.ts';
import { LIMITS } from './limits.ts';
import { addLinkCommands } from './link-command-line.ts';
import { DEFAULT_REGIONS } from './platform-defaults.ts';
import { createTerminal, type Terminal } from './terminal.ts';

const io: Io = createRealIo();
const terminal: Terminal = createTerminal(io);

const program = new Command('meridian')
  .description('Geo-replicated event streaming that speaks the Kafka protocol.')
  .version('0.1.0')
  .exitOverride()
  .configureHelp({ showGlobalOptions: false })
  .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage.');

command(program, 'local', 'run the regions of the regions folder on this machine')
  .option('--brokers <number>', 'in each region; otherwise as many as there were, at first one', wholeNumber)
  .option('--mirrors <number>', 'in each region, which share its links', wholeNumber, 1)
  .addHelpText('after', '\nPrints the addresses, a token and `ready`; Ctrl-C stops everything.')
  .action(async (options) => (await import('./commands/local.ts')).runLocal(io, terminal, options));

command(program, 'token', "print a token, signed with the local platform's key")
  .requiredOption('--tenant <name>', 'the tenant')
  .requiredOption('--subject <name>', 'who it is for')
  .requiredOption('--allow <topic:actions>', "e.g. 'cities:read,write' or 'orders.*:read'; can be repeated", collect)
  .option('--life-ms <ms>', 'until it expires', wholeNumber, LIMITS.tokenLifeMs)
  .action(async (options) => (await import('./commands/token.ts')).printToken(io, terminal, options));

gatewayCommand('produce <topic>', 'publish records over a gateway: one of --key and --value, or one per line of stdin')
  .option('--key <text>', 'the key')
  .option('--value <text>', 'the value; without it, lines are read from stdin')
  .option('-K, --key-separator <text>', 'splits a line into key and value at its first occurrence')
  .option('--partition <number>', "instead of the key's", wholeNumber)
  .option('--idempotent', 'no doubles over reconnects')
  .action(async (topic, options) => (await import('./commands/produce.ts')).produce(io, terminal, topic, options));

gatewayCommand('tail <topic>', 'print the records of a topic, of all regions, as a gateway delivers them')
  .option('--from <where>', 'earliest, latest, or the text of a cursor', 'latest')
  .option('--limit <records>', 'end after so many', wholeNumber)
  .action(async (topic, options) => (await import('./commands/tail.ts')).tail(io, terminal, topic, options));

command(program, 'links', 'show how far every link is, per partition')
  .option('--region <name>', 'links into this region alone; can be repeated', collect)
  .option('--link <name>', 'this link alone')
  .option('--summary', 'one line per link')
  .addHelpText(
    'after',
    `
States: running, catching-up, starting, paused, promoted, deleted (the origin is gone: \`link confirm\`), retrying,
halted (somebody must decide). Reasons stand below the table. LAG counts offsets, SECONDS for how long something is
known that is not here, OLDEST is the age of the oldest record that is not here.`,
  )
  .action(async (options) => (await import('./commands/links.ts')).printLinks(io, terminal, options));

addLinkCommands({ command, terminal, io, collect, wholeNumber, addPair }, program);

const topic = program.command('topic').description("topics of a region's brokers, by their physical names");
command(topic, 'create <name>', "create a topic (a tenant's topic is <tenant>.<topic>)")
  .requiredOption('--region <name>', 'where')
  .option('--partitions <number>', 'how many; otherwise as the broker is set', wholeNumber, -1)
  .option('--config <name=value>', 'a topic config of Kafka, or meridian.durability; can be repeated', addPair)
  .action(async (name, options) => (await import('./commands/topic.ts')).createTopic(io, terminal, name, options));
command(topic, 'list', 'list topics and of which region they are copies')
  .requiredOption('--region <name>', 'where')
  .action(async (options) => (await import('./commands/topic.ts')).listTopics(io, terminal, options));

/** A command with the flags that all have. */
function command(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--data <folder>', "the local platform's data folder", '.meridian')
    .option('--regions <folder>', 'where the regions are described', DEFAULT_REGIONS)
    .option('--port-offset <number>', 'moves all ports, as given to `start`', wholeNumber)
    .option('--json', 'data as one JSON object per line');
}

function gatewayCommand(usage: string, description: string): Command {
  return command(program, usage, description)
    .option('--region <name>', "a region's gateway; repeated: the next one is used when one fails", collect)
    .option('--gateway <url>', 'a gateway by its WebSocket address; can be repeated', collect)
    .option('--token <token>', 'otherwise MERIDIAN_TOKEN is used');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.');
  return Number(text);
}

function collect(text: string, sofar: string[] = []): string[] {
  return [...sofar, text];
}

function addPair(text: string, sofar: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is not name=value.');
  return { ...sofar, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Runs the command of `process.argv` and ends the process with its exit code. */
export async function runCommandLine(): Promise<never> {
  let code: number = EXIT.ok;
  try {
    await program.parseAsync();
  } catch (error) {
    code = report(error);
  }
  await terminal.flush();
  process.exit(code);
}

/** An error with a code is told in its own words; anything else is a bug and shown whole. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const { code, message } = error as { code?: unknown; message?: string };
  if (code === 'bad-option' || code === 'port-offset-invalid' || code === 'brokers-invalid') {
    terminal.say(`error: ${message}`);
    return EXIT.usage;
  }
  terminal.say(typeof code === 'string' ? `error: ${message}` : `error: ${(error as Error)?.stack ?? String(error)}`);
  return EXIT.failed;
}
