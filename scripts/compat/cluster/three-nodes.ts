/**
 * Three nodes for the checks of `compat -- cluster-tools`: started once, shared by the checks, which leave them whole; and
 * Apache Kafka's tools against them, as its scripts start them.
 */
import assert from 'node:assert/strict';
import { type Cluster, NODE_IDS } from '../../peers/cluster.ts';
import { allInSync, createTopic, partitionsSeenBy, until } from '../../peers/cluster-admin.ts';
import { kafkaTool } from '../../peers/kafka.ts';
import type { NodeProcess } from '../../peers/node-process.ts';

const LIMIT_MS = 60_000;
const TOOLS = 'org.apache.kafka.tools.';

export class ThreeNodes {
  readonly cluster: Cluster;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  get bootstrap(): string {
    return this.cluster.bootstrap;
  }

  node(id: number): NodeProcess {
    return this.cluster.nodes[NODE_IDS.indexOf(id as 1)]!;
  }

  /** Class name behind `org.apache.kafka.tools.`; arguments are split at blanks, `--bootstrap-server` goes before them. */
  tool(className: string, args: string): Promise<string> {
    return this.bareTool(`${TOOLS}${className}`, `--bootstrap-server ${this.bootstrap} ${args}`);
  }

  bareTool(className: string, args: string, untilSaid?: RegExp): Promise<string> {
    const list = args.split(' ').filter((part) => part !== '');
    return kafkaTool(className, list, { timeoutMs: LIMIT_MS, ...(untilSaid === undefined ? {} : { untilSaid }) });
  }

  /** Resolves when all its replicas are in sync. */
  async topic(name: string, replicas: number[][], configs: Record<string, string> = {}): Promise<void> {
    await createTopic(this.cluster, name, replicas, configs);
    await allInSync(this.cluster, name, LIMIT_MS);
  }

  /** Records of 100 bytes, with acks=all. */
  async fill(topic: string, records: number): Promise<void> {
    const args = `--topic ${topic} --num-records ${records} --record-size 100 --throughput -1`;
    const said = await this.tool('ProducerPerformance', `${args} --command-property acks=all`);
    assert.match(said, new RegExp(`${records} records sent`));
  }

  /** Every running node sees partition 0 so. */
  partition(topic: string, leader: number, isr: readonly number[]): Promise<void> {
    const wanted = [...isr].sort().join();
    return until(`${topic}-0 is led by ${leader}, in sync: ${wanted}`, LIMIT_MS, async () => {
      for (const { clientPort, pid } of this.cluster.nodes) {
        if (pid === undefined) continue;
        const [first] = await partitionsSeenBy(clientPort, topic);
        if (first?.leader !== leader || first.isr.toSorted().join() !== wanted) return false;
      }
      return true;
    });
  }

  /** All brokers take part again. */
  async whole(topic: string): Promise<void> {
    await until(`all replicas of ${topic} are in sync`, LIMIT_MS, async () => {
      const views = await Promise.all(this.cluster.nodes.map(({ clientPort }) => partitionsSeenBy(clientPort, topic)));
      return views.every((view) => view.every(({ isr, replicas }) => isr.length === replicas.length));
    });
  }
}
