/**
 * Three combined nodes as one thing, ours or Apache Kafka's: started, stopped, looked at and removed together, while each
 * node can be treated alone. Used by `bench -- cluster`, `compat -- cluster-tools`, `compat -- rolling` and `npm run chaos`.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { NodeProcess } from './node-process.ts';
import { cpuSeconds, residentMb } from './process-usage.ts';

export const NODE_IDS = [1, 2, 3] as const;
/** Between the ports of two nodes. */
const PORTS_PER_NODE = 10;

/** What the nodes of one cluster are told differently from their defaults, by Apache Kafka's names. */
export type ClusterConfigs = Readonly<Record<string, string>>;

export interface ClusterOptions {
  /** The first of thirty. */
  readonly port: number;
  readonly configs?: ClusterConfigs;
  /** Where others are told to find a node's internal listeners, if not where it listens: a proxy. */
  readonly advertise?: (port: number) => number;
  /** Of each JVM, as `-Xmx` takes it. Default: 1 GiB. */
  readonly heap?: string;
  /** For a profile, such as `--cpu-prof`; Meridian's only. */
  readonly nodeFlags?: readonly string[];
}

export interface Cluster {
  readonly name: 'Meridian' | 'Apache Kafka';
  readonly nodes: readonly NodeProcess[];
  /** All nodes' client listeners. */
  readonly bootstrap: string;
  /** Holds everything. */
  readonly folder: string;
  /** All at once; milliseconds until the last one was ready. */
  start(): Promise<number>;
  /** Orderly, all at once. */
  stop(): Promise<void>;
  /** Kills what still runs, and removes the folder. */
  remove(): Promise<void>;
  /** The folder alone, when this process ends: its nodes are killed then. */
  removeNow(): void;
}

export function clusterOf(name: Cluster['name'], folder: string, nodes: readonly NodeProcess[]): Cluster {
  return {
    name,
    nodes,
    folder,
    bootstrap: nodes.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(','),
    start: async () => Math.max(...(await Promise.all(nodes.map((node) => node.start())))),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
    removeNow: () => rmSync(folder, { recursive: true, force: true }),
    remove: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The ports that a node listens on. */
export function portsOf(firstPort: number, nodeId: number): { client: number; internal: number; controller: number } {
  const client = firstPort + (nodeId - 1) * PORTS_PER_NODE;
  return { client, internal: client + 1, controller: client + 2 };
}

export const pidsOf = ({ nodes }: Cluster): number[] => nodes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));

/** As Kafka writes ids: 16 bytes, never beginning with a dash. */
export function randomUuid(): string {
  const text = randomBytes(16).toString('base64url');
  return text.startsWith('-') ? randomUuid() : text;
}

/** Of all nodes that run. */
export const clusterCpuSeconds = (cluster: Cluster): number =>
  pidsOf(cluster).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
export const clusterResidentMb = (cluster: Cluster): number =>
  pidsOf(cluster).reduce((sum, pid) => sum + residentMb(pid), 0);
