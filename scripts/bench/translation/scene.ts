/**
 * The scene of the translation bench: a source and targets, three topics (plain records; transactions of 100, each tenth
 * aborted; compacted, two records per key), our mirror and MirrorMaker 2 side by side, and groups that stop at different lags.
 * Invariant: both mirrors run from before the first live record on, and see each commit as long as the other does.
 */

import { runTool } from '../../compat/compat-client.ts';
import { installConfluent } from '../../compat/confluent.ts';
import { copyName, meridianMirror } from '../../peers/meridian-mirror.ts';
import { mirrorMaker } from '../../peers/mirror-maker.ts';
import { type Engine, type MirrorRegion, openRegion } from '../../peers/mirror-region.ts';
import type { NodeProcess } from '../../peers/node-process.ts';
import { createTopic, pause } from '../mirror/topics.ts';
import type { Readable } from './rereads.ts';

const SCRIPT = `${import.meta.dirname}/records.py`;
const PORTS = { west: 31_800, east: 31_810, south: 31_820, management: 31_830 } as const;
/** MirrorMaker's word for the source, so that its copies lie beside ours. */
const MIRROR_MAKER_ALIAS = 'mm';
const SETTLE_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
const LIMIT_MS = 900_000;
/** What it does at intervals, every second; and without what was aborted, which it copies like everything else otherwise. */
const MIRROR_MAKER_PROPERTIES = {
  [`${MIRROR_MAKER_ALIAS}.consumer.isolation.level`]: 'read_committed',
  'emit.checkpoints.interval.seconds': 1,
  'sync.group.offsets.enabled': 'true',
  'sync.group.offsets.interval.seconds': 1,
  'refresh.groups.interval.seconds': 1,
};

export const KINDS = ['plain', 'transactional', 'keyed'] as const;
export type Kind = (typeof KINDS)[number];
/** How much is written while the mirrors run; the compacted topic's groups are to lie where it was compacted, too. */
const LIVE_SHARE: Readonly<Record<Kind, number>> = { plain: 0.5, transactional: 0.5, keyed: 0.05 };
const CONFIGS: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  plain: {},
  transactional: {},
  keyed: {
    'cleanup.policy': 'compact',
    'segment.bytes': '1048576',
    'min.cleanable.dirty.ratio': '0.01',
    'max.compaction.lag.ms': '1000',
  },
};

export type Offsets = Readonly<Record<string, Readonly<Record<string, number>>>>;
export type Copier = 'Meridian' | 'MirrorMaker 2';

export class TranslationScene {
  readonly #python: string;
  readonly #records: number;
  readonly #source: MirrorRegion;
  readonly #targets: Readonly<Record<Copier, MirrorRegion>>;
  readonly #mirrors: readonly NodeProcess[];

  private constructor(
    python: string,
    records: number,
    source: MirrorRegion,
    targets: Readonly<Record<Copier, MirrorRegion>>,
  ) {
    [this.#python, this.#records, this.#source, this.#targets] = [python, records, source, targets];
    const from = { name: MIRROR_MAKER_ALIAS, bootstrap: bootstrapOf(source) };
    const theirTarget = targets['MirrorMaker 2'];
    const to = { name: theirTarget.name, bootstrap: bootstrapOf(theirTarget) };
    this.#mirrors = [
      meridianMirror({ from: source, to: targets.Meridian, topics: KINDS, managementPort: PORTS.management }),
      mirrorMaker({ from, to, topics: KINDS.join(','), isTuned: true, properties: MIRROR_MAKER_PROPERTIES }),
    ];
  }

  /** `engine`: our target's; MirrorMaker's is Apache Kafka always, the same one if ours is. */
  static async open(engine: Engine, records: number): Promise<TranslationScene> {
    const python = await installConfluent();
    const region = (name: 'west' | 'east' | 'south', kind: Engine, id: number) =>
      openRegion({
        engine: kind,
        name,
        id,
        port: PORTS[name],
        heap: '1G',
        configs: kind === 'kafka' ? CONFIGS_OF_KAFKA : {},
      });
    const source = await region('west', 'kafka', 1);
    const ours = await region('east', engine, 2);
    const theirs = engine === 'kafka' ? ours : await region('south', 'kafka', 3);
    const scene = new TranslationScene(python, records, source, { Meridian: ours, 'MirrorMaker 2': theirs });
    for (const { node } of new Set([source, ours, theirs])) await node.start();
    return scene;
  }

  /** Everything is written and copied. */
  async fill(): Promise<void> {
    for (const kind of KINDS) await createTopic(this.#source.port, kind, 1, CONFIGS[kind]);
    for (const kind of KINDS) await this.#write(kind, 0, this.#liveFrom(kind));
    await this.#compacted();
    for (const mirror of this.#mirrors) await mirror.start();
    for (const kind of KINDS) await this.#write(kind, this.#liveFrom(kind), this.#records);
    for (const copier of ['Meridian', 'MirrorMaker 2'] as const)
      for (const kind of KINDS) await this.#copied(copier, kind);
  }

  /** At the source. Resolves when both mirrors have had time enough, or have carried everything. */
  async commit(offsets: Offsets): Promise<Readonly<Record<Copier, Offsets>>> {
    await this.#run('commit', [bootstrapOf(this.#source)], JSON.stringify(offsets));
    const read = async () => ({
      Meridian: await this.#committed('Meridian', Object.keys(offsets)),
      'MirrorMaker 2': await this.#committed('MirrorMaker 2', Object.keys(offsets)),
    });
    return settled(read);
  }

  /** What a reader of committed records gets at the source (no copier) or in a copy. */
  async read(kind: Kind, copier?: Copier): Promise<Readable> {
    const region = copier === undefined ? this.#source : this.#targets[copier];
    const topic = copier === undefined ? kind : copyOf(copier, kind);
    const bytes = await this.#run('read', [bootstrapOf(region), topic]);
    const count = bytes.length / 16;
    const [offsets, numbers] = [new Float64Array(count), new Float64Array(count)];
    for (let at = 0; at < count; at++) {
      offsets[at] = Number(bytes.readBigInt64BE(at * 16));
      numbers[at] = Number(bytes.readBigInt64BE(at * 16 + 8));
    }
    return { offsets, numbers };
  }

  async remove(): Promise<void> {
    for (const mirror of this.#mirrors) await mirror.kill();
    for (const region of new Set([this.#source, ...Object.values(this.#targets)])) await region.remove();
  }

  #liveFrom(kind: Kind): number {
    return Math.floor(this.#records * (1 - LIVE_SHARE[kind]));
  }

  async #write(kind: Kind, from: number, end: number): Promise<void> {
    await this.#run('write', [bootstrapOf(this.#source), kind, kind, String(from), String(end)]);
  }

  /** The cleaner has been through the compacted topic. */
  async #compacted(): Promise<void> {
    await settled(
      async () => (await this.read('keyed')).offsets.length,
      (count) => count < this.#liveFrom('keyed'),
    );
  }

  /** Until nothing more comes. */
  async #copied(copier: Copier, kind: Kind): Promise<void> {
    const wanted = (await this.read(kind)).numbers.at(-1);
    await settled(
      async () => (await this.read(kind, copier).catch(() => undefined))?.numbers.at(-1),
      (last) => last === wanted,
    );
  }

  /** By group and kind. */
  async #committed(copier: Copier, groups: readonly string[]): Promise<Offsets> {
    const topics = KINDS.map((kind) => copyOf(copier, kind));
    const found = await this.#run('committed', [bootstrapOf(this.#targets[copier]), ...topics], JSON.stringify(groups));
    const offsets = JSON.parse(found.toString()) as Offsets;
    const byKind = (group: string) =>
      KINDS.flatMap((kind) => {
        const offset = offsets[group]?.[copyOf(copier, kind)];
        return offset === undefined ? [] : [[kind, offset]];
      });
    return Object.fromEntries(groups.map((group) => [group, Object.fromEntries(byKind(group))]));
  }

  #run(command: string, args: readonly string[], input?: string): Promise<Buffer> {
    return runTool(this.#python, [SCRIPT, command, ...args], input, LIMIT_MS);
  }
}

/** One partition of offsets: fifty take a cold JVM half a minute. */
const CONFIGS_OF_KAFKA = { 'log.cleaner.backoff.ms': '500', 'offsets.topic.num.partitions': '1' };
const bootstrapOf = ({ port }: MirrorRegion): string => `127.0.0.1:${port}`;
const copyOf = (copier: Copier, kind: Kind): string =>
  copyName(copier === 'Meridian' ? { name: 'west' } : { name: MIRROR_MAKER_ALIAS }, kind);

/** What `read` says as soon as it is as wanted and has not changed for a while. */
async function settled<T>(read: () => Promise<T>, isWanted: (value: T) => boolean = () => true): Promise<T> {
  const began = performance.now();
  let [last, since] = ['', began];
  for (;;) {
    const value = await read();
    const now = performance.now();
    const text = JSON.stringify(value) ?? '';
    if (text !== last) [last, since] = [text, now];
    else if (now - since >= SETTLE_MS && isWanted(value)) return value;
    if (now - began > LIMIT_MS) throw new Error(`still ${text.slice(0, 200)} after ${LIMIT_MS} ms`);
    await pause(LOOK_EVERY_MS);
  }
}
