/**
 * `regions/links.yaml` as it stands now: looked at once a second, read when it has changed. Owned by the link directory.
 * Invariant: of a file that cannot be read or is wrong, the last good version stays, and what is wrong is told.
 */
import type { Io } from '@meridian/io';
import type { LinkSpec, RegionEngines } from '@meridian/service';
import type { MirrorLimits } from '../limits.ts';

/** Of `@meridian/service/links`, which brings a YAML parser along: loaded only where there is a file. */
export type ReadLinks = (file: string, text: string, regions: RegionEngines) => LinkSpec[] | string[];

export interface LinkFileOptions {
  readonly io: Pick<Io, 'disk'>;
  readonly path: string;
  readonly regions: RegionEngines;
  readonly limits: Pick<MirrorLimits, 'maxLinksFileBytes'>;
  readonly readLinks: ReadLinks;
}

export class LinkFile {
  links: readonly LinkSpec[] = [];
  /** What is wrong with the file as it stands; null: nothing. */
  error: string | null = null;
  private readonly options: LinkFileOptions;
  /** Time of change and size as last read; the file is taken for changed whenever either differs. */
  private seen = '';

  constructor(options: LinkFileOptions) {
    this.options = options;
  }

  /** Returns whether links or error are others than before. */
  look(): boolean {
    const { io, path } = this.options;
    let seen: string;
    try {
      const { modifiedMs, size } = io.disk.stat(path);
      seen = `${modifiedMs} ${size}`;
    } catch (error) {
      seen = `${path}: ${(error as Error).message}`;
      if (seen === this.seen) return false;
      this.seen = this.error = seen;
      return true;
    }
    if (seen === this.seen) return false;
    this.seen = seen;
    this.read();
    return true;
  }

  private read(): void {
    const { io, path, regions, limits, readLinks } = this.options;
    try {
      const bytes = io.disk.readFile(path);
      if (bytes.length > limits.maxLinksFileBytes) throw new Error(`${bytes.length} bytes are too many`);
      const read = readLinks(path, bytes.toString('utf8'), regions);
      if (isComplaint(read)) {
        this.error = read.join('\n');
        return;
      }
      this.links = read;
      this.error = null;
    } catch (error) {
      this.error = `${path}: ${(error as Error).message}`;
    }
  }
}

const isComplaint = (read: LinkSpec[] | string[]): read is string[] => typeof read[0] === 'string';
