/**
 * All links into the region, as they are now: those of the file and those that were created while a mirror ran, and which
 * of them are paused. The mirror starts, changes and stops its links by it; the management port changes it.
 * Invariant: no two links of the list can write the same copy; whoever came second stays out and says why.
 */
import type { Client } from '@meridian/client';
import { CompactedTopic } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { ERROR, errorName } from '@meridian/protocol';
import {
  checkLink,
  conflictOf,
  type LinkEntry,
  type LinkSpec,
  linkSpec,
  pathText,
  Refused,
  type RegionEngines,
} from '@meridian/service';
import type { LinkFile } from './link-file.ts';
import {
  decodeLinkRecord,
  encodeLinkKey,
  encodeLinkValue,
  LINKS_TOPIC,
  type LinkRecord,
  type OtherRecord,
  type Pause,
} from './link-record.ts';

export interface ListedLink {
  readonly spec: LinkSpec;
  readonly managed: 'file' | 'api';
  /** Of links that were created while a mirror ran: one more at every change. Else 0. */
  readonly epoch: number;
  readonly paused: Pause | null;
  /** Why it cannot run beside the others; null: it can. */
  readonly problem: string | null;
}

export interface LinkDirectoryOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  /** Of the target. */
  readonly client: Client;
  readonly region: string;
  /** Of the whole topology, by name. */
  readonly regions: RegionEngines;
  /** From the config, where there is no file. */
  readonly links: readonly LinkSpec[];
  readonly file: LinkFile | undefined;
  onChange(): void;
}

type ApiLink = Extract<LinkRecord, { kind: 'link' }>['value'];

export class LinkDirectory {
  private readonly options: LinkDirectoryOptions;
  private readonly topic: CompactedTopic;
  private readonly created = new Map<string, ApiLink>();
  private readonly pauses = new Map<string, Pause>();
  private readonly began = new Map<string, number>();
  private readonly unreadable = new Map<string, string>();
  private listed: readonly ListedLink[] = [];
  private isRead = false;
  private isFollowing = false;

  constructor(options: LinkDirectoryOptions) {
    this.options = options;
    this.topic = this.open(false);
    options.file?.look();
    this.relist();
  }

  /** By name. */
  get links(): readonly ListedLink[] {
    return this.listed;
  }

  /** What is wrong with the file or with records; null: nothing. */
  get configError(): string | null {
    const told = [this.options.file?.error ?? null, ...this.unreadable.values()].filter((each) => each !== null);
    return told.length === 0 ? null : told.join('\n');
  }

  /** Until the topic is followed: reads it to its end, if it is there. Rejects while the target is away. */
  async follow(call: { timeoutMs: number; signal: AbortSignal }): Promise<void> {
    if (this.isFollowing) return;
    const { client } = this.options;
    const found = (await client.metadata([LINKS_TOPIC], { ...call, maxAgeMs: 0 })).topics.get(LINKS_TOPIC);
    if (found?.errorCode === ERROR.NONE) {
      await this.topic.ready();
      this.isFollowing = true;
    } else if (found?.errorCode !== ERROR.UNKNOWN_TOPIC_OR_PARTITION) {
      throw new Error(`${LINKS_TOPIC}: ${errorName(found?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
    }
    if (this.isRead) return;
    this.isRead = true;
    this.relist();
  }

  /** What stood there when we came has been read: links may begin. */
  get isReady(): boolean {
    return this.isRead;
  }

  /** Called once a second. */
  look(): void {
    if (this.options.file?.look() === true) this.relist();
  }

  /** When the link was first begun; undefined: never before. */
  beganAt(name: string): number | undefined {
    return this.began.get(name);
  }

  async begin(name: string): Promise<void> {
    if (this.began.has(name)) return;
    await this.write('began', name, { atMs: this.options.io.clock.now() });
  }

  /** Throws `Refused`. */
  async create(entry: LinkEntry): Promise<ListedLink> {
    const spec = linkSpec(entry);
    const known = this.listed.find((other) => other.spec.name === spec.name);
    if (known !== undefined) throw new Refused(409, alreadyThere(known));
    this.check(spec, this.listed);
    await this.write('link', spec.name, { epoch: 1, link: spec });
    return this.find(spec.name);
  }

  /** `epoch`: what the caller has seen; another one is refused. */
  async change(name: string, changes: Partial<LinkEntry>, epoch: number | undefined): Promise<ListedLink> {
    const known = this.findCreated(name);
    if (epoch !== undefined && epoch !== known.epoch) {
      throw new Refused(409, `${name} was changed by somebody else: its epoch is ${known.epoch}, not ${epoch}`);
    }
    for (const fixed of ['name', 'from', 'to', 'policy'] as const) {
      if (changes[fixed] !== undefined && changes[fixed] !== known.spec[fixed]) {
        throw new Refused(409, `${fixed} cannot be changed: delete ${name} and create another link`);
      }
    }
    const spec = linkSpec({ ...known.spec, ...changes });
    this.check(
      spec,
      this.listed.filter((other) => other.spec.name !== name),
    );
    await this.write('link', name, { epoch: known.epoch + 1, link: spec });
    return this.find(name);
  }

  async remove(name: string): Promise<void> {
    this.findCreated(name);
    for (const kind of ['link', 'pause', 'began'] as const) await this.write(kind, name, null);
  }

  async pause(name: string, by: string): Promise<ListedLink> {
    const { paused } = this.find(name);
    if (paused === null) await this.write('pause', name, { by, atMs: this.options.io.clock.now() });
    return this.find(name);
  }

  async resume(name: string): Promise<ListedLink> {
    if (this.find(name).paused !== null) await this.write('pause', name, null);
    return this.find(name);
  }

  find(name: string): ListedLink {
    const found = this.listed.find(({ spec }) => spec.name === name);
    if (found === undefined) throw new Refused(404, `no link ${name}, there are: ${this.names() || 'none'}`);
    return found;
  }

  close(): void {
    this.topic.close();
  }

  private names(): string {
    return this.listed.map(({ spec }) => spec.name).join(', ');
  }

  private findCreated(name: string): ListedLink {
    const found = this.find(name);
    if (found.managed === 'api') return found;
    throw new Refused(409, `${name} stands in a file: change it there; here it can be paused and resumed`);
  }

  private check(spec: LinkSpec, others: readonly ListedLink[]): void {
    const { region, regions } = this.options;
    const problem = checkLink(spec, regions)[0];
    if (problem !== undefined) throw new Refused(400, `${pathText(problem.path)} ${problem.message}`);
    if (spec.to !== region) throw new Refused(400, `to must be ${region}: ask the mirror of ${spec.to}`);
    const specs = others.filter((other) => other.problem === null).map((other) => other.spec);
    const conflict = conflictOf(spec, specs);
    if (conflict !== null) throw new Refused(409, `${spec.name} ${conflict}`);
  }

  /** Comes back when it is durable and has been read, also by ourselves. */
  private async write(kind: LinkRecord['kind'], name: string, value: LinkRecord['value'] | null): Promise<void> {
    const writer = this.open(true);
    try {
      await writer.put(encodeLinkKey(kind, name), value === null ? null : encodeLinkValue(value));
    } catch (error) {
      throw new Refused(503, `${LINKS_TOPIC} cannot be written: ${(error as Error).message}`);
    } finally {
      writer.close();
    }
    await this.topic.ready();
    this.isFollowing = true;
  }

  private open(mayCreate: boolean): CompactedTopic {
    const { io, client } = this.options;
    if (mayCreate) {
      return new CompactedTopic({ io, client, topic: LINKS_TOPIC, createPartitions: 1, onRecord: () => undefined });
    }
    return new CompactedTopic({
      ...{ io, client, topic: LINKS_TOPIC },
      onReset: () => this.forget(),
      onRecord: (key, value) => this.take(decodeLinkRecord(key, value)),
    });
  }

  private forget(): void {
    for (const map of [this.created, this.pauses, this.began, this.unreadable]) map.clear();
  }

  private take(record: LinkRecord | OtherRecord): void {
    if (record.kind === 'link') this.created.set(record.name, record.value);
    else if (record.kind === 'pause') this.pauses.set(record.name, record.value);
    else if (record.kind === 'began') this.began.set(record.name, record.value.atMs);
    else if (record.kind === 'gone') this.drop(record.of, record.name);
    else this.unreadable.set(record.key, `${LINKS_TOPIC}: ${record.key}: ${record.reason}`);
    if (this.isRead) this.relist();
  }

  private drop(kind: LinkRecord['kind'], name: string): void {
    this.unreadable.delete(`${kind}/${name}`);
    (kind === 'link' ? this.created : kind === 'pause' ? this.pauses : this.began).delete(name);
  }

  /** The file's come first, then by name: whoever is refused is so on every mirror. */
  private relist(): void {
    const { region, file, links, onChange } = this.options;
    const ofFile = (file?.links ?? links).filter(({ to }) => to === region);
    const created = [...this.created].sort(([one], [other]) => (one < other ? -1 : 1));
    const all = [
      ...ofFile.map((spec) => ({ spec, managed: 'file' as const, epoch: 0 })),
      ...created.map(([, { link, epoch }]) => ({ spec: link, managed: 'api' as const, epoch })),
    ];
    const good: LinkSpec[] = [];
    this.listed = all.map((each): ListedLink => {
      const { spec } = each;
      const problem = conflictOf(spec, good) ?? this.problemOf(spec);
      if (problem === null) good.push(spec);
      return { ...each, paused: this.pauses.get(spec.name) ?? null, problem };
    });
    onChange();
  }

  /** Regions may go from the topology while a link that was created from them stays. */
  private problemOf(spec: LinkSpec): string | null {
    const problem = checkLink(spec, this.options.regions)[0];
    return problem === undefined ? null : `${pathText(problem.path)} ${problem.message}`;
  }
}

function alreadyThere({ spec: { name, from, to }, managed }: ListedLink): string {
  const change = managed === 'file' ? 'it stands in a file, and is changed there' : 'change or delete it';
  return `there is a link ${name} already, from ${from} to ${to}: ${change}, or give the new one another name`;
}
