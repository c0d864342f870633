/**
 * Brings Java artifacts with all that they need onto this machine, by Maven, into a cache folder outside the
 * repository. Used by `kafka.ts`. Invariant: a folder under its final name is complete; halves never get that name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PEERS_FOLDER } from './peers-folder.ts';

export interface JavaArtifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

const INSTALL_LIMIT_MS = 600_000;

/** The folder that holds the jars, fetched on first use. Two processes may ask at once: the first to finish wins. */
export function installJars(name: string, artifacts: readonly JavaArtifact[]): string {
  const folder = join(PEERS_FOLDER, name);
  if (existsSync(join(folder, 'complete'))) {
    requireCommand('java', 'default-jre-headless');
    return join(folder, 'libs');
  }
  requireCommand('java', 'default-jdk-headless');
  requireCommand('mvn', 'maven');
  mkdirSync(PEERS_FOLDER, { recursive: true });
  const half = mkdtempSync(`${folder}.`);
  try {
    writeFileSync(join(half, 'pom.xml'), pomOf(artifacts));
    const { status, stdout } = spawnSync(
      'mvn',
      ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'],
      {
        cwd: half,
        timeout: INSTALL_LIMIT_MS,
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(`Maven could not fetch ${name} (ended with ${status}):\n${stdout}`);
    writeFileSync(join(half, 'complete'), '');
    putInPlace(half, folder);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return join(folder, 'libs');
}

function putInPlace(half: string, folder: string): void {
  if (existsSync(join(folder, 'complete'))) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(half, folder);
}

function requireCommand(command: string, debianPackage: string): void {
  if (spawnSync(command, ['-version'], { stdio: 'ignore' }).error === undefined) return;
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).error !== undefined) {
    throw new Error(`${command} is missing: install a JDK (17 or newer) and Maven with this system's package manager`);
  }
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
  const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) throw new Error(`apt-get install ${debianPackage} ended with ${status} (is this root?)`);
}

function pomOf(artifacts: readonly JavaArtifact[]): string {
  const dependencies = artifacts.map(
    ({ group, name, version }) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>peers</groupId><artifactId>peers</artifactId><version>1</version>
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`;
}
