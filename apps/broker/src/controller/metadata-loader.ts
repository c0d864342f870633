/**
 * Applies what the quorum has committed to the image that this node shows, and tells those who follow. On every node, for
 * all of its life; fed by the quorum, one batch or snapshot after another.
 *
 *   committed batch ─▶ transaction ended? ─▶ image ─▶ listeners, one after another ─▶ `appliedEnd`
 *
 * Invariant: records of a metadata transaction are applied together at its end, or never; a feature level that is not known
 * here is refused before anything behind it is applied.
 */
import { completeMetadataRecord, type MetadataRecord } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type { CommittedBatch, CommittedSnapshot } from '../quorum/quorum-node.ts';
import { applyBatch } from './apply.ts';
import { whyUnsupportedFeature } from './features.ts';
import { imageChanges } from './image-changes.ts';
import { MutableImage } from './mutable-image.ts';

type Listener = (delta: readonly MetadataRecord[]) => void | Promise<void>;

export class MetadataLoader {
  /** Always the same object. */
  readonly image: MutableImage;
  /** Everything below has been applied, and all listeners have followed. */
  appliedEnd = 0;
  /** Of the newest batch that was applied, control batches included. */
  appliedEpoch = -1;
  readonly #listeners = new Set<Listener>();
  /** Records of a metadata transaction that has begun and not ended. */
  #transaction: MetadataRecord[] | undefined;

  constructor(clusterId: string) {
    this.image = new MutableImage(clusterId);
  }

  /** Whether what was committed last lies in a transaction that has not ended. */
  get isInTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A promise only if somebody takes time to follow: replays are long. */
  apply({ records, baseOffset, nextOffset, epoch }: CommittedBatch): void | Promise<void> {
    const delta = this.#applicable(records, baseOffset);
    applyBatch(this.image, delta, nextOffset);
    return this.#tell(delta, nextOffset, epoch);
  }

  /** In place of everything that was applied before; listeners are told what has become different. */
  replace({ records, endOffset, epoch }: CommittedSnapshot): void | Promise<void> {
    const image = new MutableImage(this.image.clusterId);
    const all = [...records];
    for (const record of all) checkFeature(record, endOffset);
    applyBatch(image, all, endOffset);
    const delta = this.#listeners.size === 0 ? [] : imageChanges(this.image, image).map(completeMetadataRecord);
    this.#transaction = undefined;
    this.image.become(image);
    return this.#tell(delta, endOffset, epoch);
  }

  #tell(delta: readonly MetadataRecord[], endOffset: number, epoch: number): void | Promise<void> {
    if (delta.length > 0 && this.#listeners.size > 0) return this.#tellAll(delta, endOffset, epoch);
    this.appliedEnd = endOffset;
    this.appliedEpoch = epoch;
  }

  async #tellAll(delta: readonly MetadataRecord[], endOffset: number, epoch: number): Promise<void> {
    for (const listener of [...this.#listeners]) await listener(delta);
    this.appliedEnd = endOffset;
    this.appliedEpoch = epoch;
  }

  /** The records of a batch that apply now: those of a transaction wait for its end. */
  #applicable(records: readonly MetadataRecord[], baseOffset: number): readonly MetadataRecord[] {
    const now: MetadataRecord[] = [];
    for (const record of records) {
      checkFeature(record, baseOffset);
      if (record.type === 'BeginTransactionRecord') this.#transaction = [];
      else if (record.type === 'AbortTransactionRecord') this.#transaction = undefined;
      else if (record.type === 'EndTransactionRecord') {
        now.push(...(this.#transaction ?? []));
        this.#transaction = undefined;
      } else (this.#transaction ?? now).push(record);
    }
    return now;
  }
}

function checkFeature(record: MetadataRecord, offset: number): void {
  if (record.type !== 'FeatureLevelRecord') return;
  const why = whyUnsupportedFeature(record.name, record.featureLevel);
  if (why !== null) throw new BrokerError('folder-newer', `metadata at offset ${offset}: ${why}`);
}
