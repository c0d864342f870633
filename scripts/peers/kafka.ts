/**
 * Apache Kafka as a peer: fetched once, started as a single node (broker and controller) for comparisons, and its
 * command-line tools. Used by the bench and the compat suite.
 * Invariant: whoever starts a broker stops it by its own process id, and it dies with this process at the latest.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { installJars } from './maven-libs.ts';

export const KAFKA_VERSION = '4.3.1';

const ARTIFACTS = [
  'kafka_2.13',
  'kafka-tools',
  'kafka-shell',
  'kafka-streams',
  'connect-mirror',
  'connect-mirror-client',
  'connect-runtime',
  'connect-file',
  'connect-json',
  'trogdor',
].map((name) => ({ group: 'org.apache.kafka', name, version: KAFKA_VERSION }));
const LOGGING = { group: 'org.apache.logging.log4j', name: 'log4j-slf4j-impl', version: '2.25.1' };

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;
const TOOL_LIMIT_MS = 120_000;
const MAX_LOG_LINES = 400;
const SHOWN_LOG_LINES = 40;
/** As `kafka-server-start.sh` starts it. */
const BROKER_JVM = '-Xmx1G -Xms1G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35';
/** A tool lives for a second: a small heap and the quick compiler start soonest. */
const TOOL_JVM = '-Xmx512M -XX:+UseSerialGC -XX:TieredStopAtLevel=1';

export interface KafkaBroker {
  readonly bootstrap: string;
  readonly pid: number;
  /** Milliseconds from its start (formatting excluded) until it was ready. */
  readonly startMs: number;
  /** The newest lines of its log. */
  readonly output: readonly string[];
  /** Orderly, by SIGTERM; by force after a while. Removes the data folder if it was made for this broker. */
  stop(): Promise<void>;
  /** As a crash: SIGKILL; the data folder stays if it was given. */
  kill(): Promise<void>;
}

export interface KafkaOptions {
  /** Its clients' port; the controller takes the next one. */
  readonly port: number;
  /** Holds logs and metadata; kept at the end. A temporary one if absent. */
  readonly folder?: string;
  readonly properties?: Readonly<Record<string, string | number>>;
}

export function installKafka(): string {
  return installJars(`kafka-${KAFKA_VERSION}`, [...ARTIFACTS, LOGGING]);
}

export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  installKafka();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'kafka-'));
  mkdirSync(folder, { recursive: true });
  const config = join(mkdtempSync(join(tmpdir(), 'kafka-config-')), 'server.properties');
  writeFileSync(config, propertiesOf(options, folder));
  if (!existsSync(join(folder, 'meta.properties'))) await formatKafka(config, await randomId(), ['--standalone']);

  const args = kafkaServerArgs(config);
  const began = performance.now();
  const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const output: string[] = [];
  await started(child, output);
  const startMs = performance.now() - began;

  const end = async (signal: NodeJS.Signals) => {
    process.off('exit', killAtExit);
    await endChild(child, signal);
    rmSync(join(config, '..'), { recursive: true, force: true });
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  return {
    bootstrap: `127.0.0.1:${options.port}`,
    pid: child.pid as number,
    startMs,
    output,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/**
 * Runs one of Kafka's tools, such as `org.apache.kafka.tools.TopicCommand`, to its end; resolves with its standard
 * output, rejects with both outputs when it failed or took longer than `timeoutMs`. One that goes on for ever is ended once
 * it has written a line that matches `untilSaid`.
 */
export async function kafkaTool(
  className: string,
  args: readonly string[],
  options: { input?: string | Buffer; timeoutMs?: number; untilSaid?: RegExp } = {},
): Promise<string> {
  const libs = installKafka();
  const logConfig = writeLogConfig(libs, 'WARN', 'SYSTEM_ERR');
  const jvm = [...TOOL_JVM.split(' '), `-Dlog4j2.configurationFile=${logConfig}`, '-cp', `${libs}/*`];
  const child = spawn('java', [...jvm, className, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? TOOL_LIMIT_MS);
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  let isSaid = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output.push(chunk);
    if (isSaid || !options.untilSaid?.test(Buffer.concat(output).toString())) return;
    isSaid = true;
    child.kill('SIGKILL');
  });
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => {}); // the tool ended before it read everything; its exit code says why
  child.stdin.end(options.input ?? '');
  const code = await new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (exitCode, signal) => done(exitCode ?? signal));
  });
  clearTimeout(timer);
  process.off('exit', killAtExit);
  const text = Buffer.concat(output).toString();
  if (code === 0 || isSaid) return text;
  throw new Error(`${className} ${args.join(' ')} ended with ${code}:\n${text}${Buffer.concat(errors)}`);
}

/** `server.properties` of a node that is all of its cluster, broker and controller; what `properties` says stands. */
export function propertiesOf({ port, properties }: Omit<KafkaOptions, 'folder'>, folder: string): string {
  const controller = `127.0.0.1:${port + 1}`;
  const all: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': controller,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': folder,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    ...properties,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** What `java` is given to run a node with this configuration; `heap` as `-Xmx` takes it. */
export function kafkaServerArgs(config: string, heap = '1G'): string[] {
  return kafkaProcessArgs('kafka.Kafka', [config], BROKER_JVM.replaceAll(/(-Xm[xs])1G/g, `$1${heap}`));
}

/** What `java` is given to run a class of Kafka's that goes on for ever and logs what it does. */
export function kafkaProcessArgs(className: string, args: readonly string[], jvm: string): string[] {
  const libs = installKafka();
  const logConfig = writeLogConfig(libs, 'INFO', 'SYSTEM_OUT');
  return [...jvm.split(' '), `-Dlog4j2.configurationFile=${logConfig}`, '-cp', `${libs}/*`, className, ...args];
}

/** Of a line of its log: its broker is not fenced any more. */
export const isKafkaReady = (line: string): boolean => line.includes('Kafka Server started');

/** Makes its folders new; `voters` says who they are, as `kafka-storage format` takes it. */
export async function formatKafka(config: string, clusterId: string, voters: readonly string[]): Promise<void> {
  await kafkaTool('kafka.tools.StorageTool', ['format', '-t', clusterId, '-c', config, ...voters]);
}

const randomId = async (): Promise<string> => (await kafkaTool('kafka.tools.StorageTool', ['random-uuid'])).trim();

/** Kafka says nothing without one. */
function writeLogConfig(libs: string, level: string, target: string): string {
  const path = join(libs, '..', `log4j2-${level.toLowerCase()}.properties`);
  const lines = [
    'appender.out.type=Console',
    'appender.out.name=out',
    `appender.out.target=${target}`,
    'appender.out.layout.type=PatternLayout',
    'appender.out.layout.pattern=[%d] %p %m (%c)%n',
    `rootLogger.level=${level}`,
    'rootLogger.appenderRef.out.ref=out',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function started(child: ChildProcess, output: string[]): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new Error(`Kafka was not ready in ${START_LIMIT_MS} ms:\n${newest(output)}`));
    }, START_LIMIT_MS);
    const take = (line: string) => {
      output.push(line);
      if (output.length > MAX_LOG_LINES) output.shift();
      if (!isKafkaReady(line)) return;
      clearTimeout(timer);
      done();
    };
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', take);
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', take);
    child.once('error', fail);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`Kafka ended with ${code}:\n${newest(output)}`));
    });
  });
}

const newest = (output: readonly string[]): string => output.slice(-SHOWN_LOG_LINES).join('\n');

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}
