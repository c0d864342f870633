/**
 * The door to an embedded copy: where it ends, whose it is, and appends at the origin's offsets. `EmbeddedWriter`
 * stands behind it; tests put a fake there. Copies in Apache Kafka have a machine and a shell of their own
 * (`rebased/`), whose common door with this one is `MirrorTask`.
 */

/** Both ends of the copy, the origin epoch of its last record (−1: none), and the epoch that it is led in. */
export interface Located {
  readonly copyEpoch: number;
  readonly copyStart: number;
  readonly copyEnd: number;
  readonly lastEpoch: number;
}

export interface CopyAppend {
  readonly buffers: readonly Buffer[];
  readonly sizeInBytes: number;
  readonly expectedEnd: number;
  /** −1: the end of the batches; else the end is moved there. */
  readonly endOffset: number;
}

/**
 * `mismatch`: the log ends elsewhere. `foreign`: it is a copy of something else, or none. `too-large`, `denied`: will
 * not pass until somebody changes a config, a rule or a credential. `other` may pass by itself.
 */
export type AppendOutcome =
  | { readonly kind: 'appended' }
  | {
      readonly kind: 'mismatch' | 'foreign' | 'too-large' | 'denied' | 'other';
      readonly reason: string;
    };

export interface CopyWriter {
  locate(): Promise<Located>;
  /** Never rejects: what failed is an outcome. */
  append(append: CopyAppend): Promise<AppendOutcome>;
  /** What the origin does not have any more goes here, too. */
  advanceStart(offset: number): Promise<void>;
}
