/**
 * A broker as a process of its own, with a client's connections over real TCP: for tests of what hostile bytes do to the
 * process. Invariant: only the process that was started here is ended, with its folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Api,
  createFrameSplitter,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';

const MAIN = join(import.meta.dirname, '../main.ts');
const ANSWER_LIMIT_MS = 10_000;

export interface BrokerProcess {
  readonly clientPort: number;
  readonly internalPort: number;
  /** Resident memory now. */
  residentBytes(): number;
  isAlive(): boolean;
  stop(): Promise<void>;
}

export async function startBrokerProcess(clientPort: number): Promise<BrokerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bad-input-'));
  const internalPort = clientPort + 1;
  const config = {
    region: 'us-east',
    regionId: 1,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: '127.0.0.1', port: clientPort },
    internal: { host: '127.0.0.1', port: internalPort, secret: 'a secret of twenty characters' },
    regions: ['us-east'],
  };
  const file = join(folder, 'broker.json');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}`)));
    child.stdout.once('data', () => resolve());
  });
  child.stdout.resume();
  return {
    clientPort,
    internalPort,
    residentBytes: () => residentBytes(child),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stop: () => stop(child, folder),
  };
}

function residentBytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.kill('SIGTERM')) await gone;
  rmSync(folder, { recursive: true, force: true });
}

/** One client's connection: one request at a time, or any bytes. */
export class RawClient {
  closed = false;
  readonly #socket: Socket;
  readonly #frames: Buffer[] = [];
  #notify: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    const splitter = createFrameSplitter({ onFrame: (frame) => void this.#frames.push(frame) });
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      this.#notify();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#notify();
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      const client = new RawClient(socket);
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async request<A extends Api>(
    api: A,
    version: number,
    body: RequestInput<A>,
    clientId = 'test',
  ): Promise<ResponseOf<A>> {
    this.send(Buffer.concat(encodeRequest(api, version, { correlationId: 1, clientId }, body)));
    return decodeResponse(api, version, await this.frame()).body as ResponseOf<A>;
  }

  /** The next answer; fails if the connection closes instead. */
  async frame(): Promise<Buffer> {
    await this.#until(() => this.#frames.length > 0 || this.closed);
    const frame = this.#frames.shift();
    if (frame === undefined) throw new Error('closed instead of an answer');
    return frame;
  }

  /** True if it is closed without an answer. */
  async isRefused(): Promise<boolean> {
    await this.#until(() => this.#frames.length > 0 || this.closed);
    return this.#frames.length === 0;
  }

  close(): void {
    this.#socket.destroy();
  }

  #until(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('neither answer nor close')), ANSWER_LIMIT_MS);
      const check = (): void => {
        if (!done()) return;
        clearTimeout(timer);
        this.#notify = () => {};
        resolve();
      };
      this.#notify = check;
      check();
    });
  }
}
