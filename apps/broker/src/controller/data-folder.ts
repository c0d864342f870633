/**
 * The data folder: locked by one process, and described by `meta.properties` as Apache Kafka writes it. Called by
 * the node's start before anything else touches the folder.
 * Invariant: a folder that a newer release or another node wrote, or that lost its description, is refused untouched.
 */
import { dirname, join } from 'node:path';
import type { Io } from '@meridian/io';
import { uuidFromBase64, uuidToBase64 } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import { randomUuid } from './random-uuid.ts';
import { CLUSTER_METADATA_TOPIC } from './topic-name.ts';

/** The only layout of `meta.properties` that this release writes and reads. */
const META_VERSION = '1';
const META_FILE = 'meta.properties';
const LOCK_FILE = '.lock';

export interface DataFolder {
  readonly path: string;
  readonly metadataFolder: string;
  readonly clusterId: string;
  /** uuid text. */
  readonly directoryId: string;
  /** Gives the lock back. */
  release(): void;
}

/** Locks the folder, creating and describing it when it is new. */
export function openDataFolder(options: {
  io: Io;
  path: string;
  nodeId: number;
  clusterId: string | undefined;
  /** What a new folder is given (uuid text); made up if absent. */
  directoryId?: string | undefined;
}): DataFolder {
  const { io, path } = options;
  io.disk.makeFolder(path);
  io.disk.syncFolder(dirname(path));
  const lock = io.disk.lock(join(path, LOCK_FILE));
  try {
    const metadataFolder = join(path, `${CLUSTER_METADATA_TOPIC}-0`);
    const meta = io.disk.exists(join(path, META_FILE)) ? readMeta(options) : writeMeta(options, metadataFolder);
    return { path, metadataFolder, ...meta, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Meta = Pick<DataFolder, 'clusterId' | 'directoryId'>;

function writeMeta(
  { io, path, nodeId, clusterId, directoryId }: Parameters<typeof openDataFolder>[0],
  metadataFolder: string,
): Meta {
  if (io.disk.exists(metadataFolder)) throw new BrokerError('folder-corrupt', `${path} has no ${META_FILE}`);
  const meta: Meta = {
    clusterId: clusterId ?? uuidToBase64(randomUuid(io.random)),
    directoryId: directoryId ?? randomUuid(io.random),
  };
  const lines = [
    `node.id=${nodeId}`,
    `directory.id=${uuidToBase64(meta.directoryId)}`,
    `version=${META_VERSION}`,
    `cluster.id=${meta.clusterId}`,
    '',
  ];
  io.disk.replaceFile(join(path, META_FILE), Buffer.from(lines.join('\n')));
  return meta;
}

function readMeta({ io, path, nodeId, clusterId }: Parameters<typeof openDataFolder>[0]): Meta {
  const file = join(path, META_FILE);
  const properties = parseProperties(io.disk.readFile(file).toString('latin1'));
  const need = (name: string): string => {
    const value = properties.get(name);
    if (value === undefined) throw new BrokerError('folder-corrupt', `${file} lacks ${name}`);
    return value;
  };
  const version = need('version');
  if (version !== META_VERSION) {
    const code = Number(version) > Number(META_VERSION) ? 'folder-newer' : 'folder-corrupt';
    throw new BrokerError(code, `${file} has version ${version}, known here is ${META_VERSION}`);
  }
  const same = (name: string, expected: string): string => {
    const value = need(name);
    if (value === expected) return value;
    throw new BrokerError('folder-of-another-node', `${file} has ${name} ${value}, not ${expected}`);
  };
  same('node.id', String(nodeId));
  return {
    clusterId: clusterId === undefined ? need('cluster.id') : same('cluster.id', clusterId),
    directoryId: directoryIdOf(need('directory.id'), file),
  };
}

function directoryIdOf(text: string, file: string): string {
  try {
    return uuidFromBase64(text);
  } catch (error) {
    throw new BrokerError('folder-corrupt', `${file} has directory.id ${text}`, { cause: error });
  }
}

/** Java's properties as far as `meta.properties` uses them. */
function parseProperties(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => /^\s*[^#!\s]/.test(line));
  return new Map(
    lines.map((line) => {
      const [, name = '', value = ''] = /^\s*((?:\\.|[^=:\s\\])+)\s*[=:]?\s*(.*)$/.exec(line) ?? [];
      return [unescaped(name), unescaped(value.trim())];
    }),
  );
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
