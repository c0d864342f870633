/**
 * One node of a cluster as a process that is started, stopped, killed, paused and started again on its folder. Used by
 * `meridian-cluster.ts` and `kafka-cluster.ts`.
 * Invariant: a process that was started here is ended by its own id, at the latest when this process ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const STOP_LIMIT_MS = 60_000;
const START_LIMIT_MS = 180_000;
const MAX_LINES = 400;
const SHOWN_LINES = 40;
const ERROR_LINE = /\b(?:ERROR|FATAL)\b/;

export interface NodeSetup {
  readonly id: number;
  readonly clientPort: number;
  /** Its data. */
  readonly folder: string;
  /** Where what it writes is kept. */
  readonly logFile: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly isReady: (line: string) => boolean;
  /** Is told all that it writes. */
  readonly onLine?: (line: string) => void;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class NodeProcess {
  readonly id: number;
  readonly clientPort: number;
  readonly folder: string;
  /** The newest lines that it wrote. */
  readonly output: string[] = [];
  /** It ended though nobody here ended it. */
  onDeath: (how: string) => void = () => {};
  readonly #setup: NodeSetup;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve('');
  #isWanted = false;
  #isPaused = false;

  constructor(setup: NodeSetup) {
    this.#setup = setup;
    this.id = setup.id;
    this.clientPort = setup.clientPort;
    this.folder = setup.folder;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** By somebody here, and not started since. */
  get wasEnded(): boolean {
    return !this.#isWanted;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Resolves with the milliseconds until it was ready; rejects if it ended before, or took too long. */
  async start(): Promise<number> {
    if (this.#child !== undefined) throw new Error(`node ${this.id} runs already`);
    const { command, args, env } = this.#setup;
    const began = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    running.add(child);
    this.#child = child;
    this.#isWanted = true;
    this.#isPaused = false;
    this.#ended = new Promise((done) => {
      child.once('error', (error) => done(error.message));
      child.once('exit', (code, signal) => done(String(code ?? signal)));
    });
    void this.#ended.then((how) => this.#gone(child, how));
    await this.#readiness(child);
    return performance.now() - began;
  }

  /** Orderly; resolves with how long it took, and rejects if the process had to be killed or ended badly. */
  async stop(): Promise<number> {
    const began = performance.now();
    const how = await this.#end('SIGTERM');
    // A JVM that ends by a signal says so, after it closed everything.
    if (how !== '0' && how !== '143' && how !== '') throw new Error(`node ${this.id} ended with ${how}`);
    return performance.now() - began;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
    this.#isPaused = this.#child !== undefined;
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.#isPaused = false;
  }

  async #end(signal: NodeJS.Signals): Promise<string> {
    const child = this.#child;
    if (child === undefined) return '';
    this.#isWanted = false;
    if (this.#isPaused) this.resume();
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    const how = await this.#ended;
    clearTimeout(timer);
    return how;
  }

  #gone(child: ChildProcess, how: string): void {
    running.delete(child);
    this.#child = undefined;
    this.#isPaused = false;
    if (this.#isWanted) this.onDeath(how);
  }

  #readiness(child: ChildProcess): Promise<void> {
    return new Promise((done, fail) => {
      const failed = (what: string) => fail(new Error([`node ${this.id} ${what}:`, ...this.#told()].join('\n')));
      const timer = setTimeout(() => failed(`was not ready in ${START_LIMIT_MS} ms`), START_LIMIT_MS);
      const take = (line: string): void => {
        this.#keep(line);
        if (!this.#setup.isReady(line)) return;
        clearTimeout(timer);
        done();
      };
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on('line', take);
      }
      void this.#ended.then((how) => {
        clearTimeout(timer);
        failed(`ended with ${how}`);
      });
    });
  }

  /** Its last lines, behind the errors before them: a JVM says much after it said why it ends. */
  #told(): string[] {
    const errors = this.output.slice(0, -SHOWN_LINES).filter((line) => ERROR_LINE.test(line));
    return [...errors.slice(-SHOWN_LINES), ...this.output.slice(-SHOWN_LINES)];
  }

  #keep(line: string): void {
    this.output.push(line);
    if (this.output.length > MAX_LINES) this.output.shift();
    appendFileSync(this.#setup.logFile, `${line}\n`);
    this.#setup.onLine?.(line);
  }
}
