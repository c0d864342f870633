/**
 * What a foreign client is to `npm run compat`: a name, how it comes onto this machine, and its checks.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { LocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';

export interface CompatClient {
  name: string;
  install(): Promise<void> | void;
  checks: readonly CompatCheck[];
  /** Brings its own brokers: the local platform need not run. */
  standsAlone?: true;
  /** Ends what the checks have shared. */
  end?(): Promise<void>;
}

export interface CompatCheck {
  /** A sentence of behaviour. */
  name: string;
  run(platform: LocalPlatform): Promise<void>;
}

/** Installs a Debian package unless its command is there; throws with what to do where that is not possible. */
export function installDebian(command: string, debianPackage: string): void {
  if (spawnSync(command, ['-h']).error === undefined) return;
  if (spawnSync('apt-get', ['--version']).error !== undefined)
    throw new Error(`${command} is missing: install it with this system's package manager`);
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
  const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) throw new Error(`apt-get install ${debianPackage} ended with ${status} (is this root?)`);
}

/** Runs a command to its end; resolves with its standard output, rejects with what it wrote when it failed or was too slow. */
export function runTool(
  command: string,
  args: readonly string[],
  input?: string | Buffer,
  timeoutMs = 120_000,
): Promise<Buffer> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.stdin.on('error', () => {}); // the tool ended before it read everything; its exit code says why
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) done(Buffer.concat(out));
      else fail(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}: ${Buffer.concat(errors)}`));
    });
    child.stdin.end(input ?? '');
  });
}
