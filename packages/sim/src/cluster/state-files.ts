/**
 * Looks at a node's `quorum-state` after each event in which one was written; the trace of the world tells when.
 * Invariant: it reads only, of nodes that live.
 */
import type { Disk } from '@meridian/io';
import type { VotesOnce } from './checkers/votes-once.ts';

const FILE = '/data/__cluster_metadata-0/quorum-state';
const NAME = 'quorum-state';

export class StateFiles {
  votes: VotesOnce | undefined;
  #isWritten = false;
  readonly #disks = new Map<number, Disk>();

  /** A line of the trace. */
  note(line: string): void {
    if (!this.#isWritten && line.includes(NAME)) this.#isWritten = true;
  }

  /** The process that lives on this node from now on. */
  started(nodeId: number, disk: Disk): void {
    this.#disks.set(nodeId, disk);
  }

  died(nodeId: number): void {
    this.#disks.delete(nodeId);
  }

  look(): void {
    if (!this.#isWritten) return;
    this.#isWritten = false;
    for (const [nodeId, disk] of this.#disks) {
      if (disk.exists(FILE)) this.votes?.wrote(nodeId, firstLine(disk.readFile(FILE)));
    }
  }
}

const firstLine = (bytes: Buffer): string => bytes.toString().split('\n', 1)[0]!;
