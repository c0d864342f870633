/** The package's one table of errors: the mirror cannot start as configured, or cannot do what it was told to. */
export const MIRROR_ERRORS = {
  'foreign-link': 'A mirror writes into its own region only: give every link the same `to`.',
  'self-link': 'A region cannot be mirrored into itself: remove the link.',
  'no-endpoint': 'How that region is reached is not told: give its `target` or `sources` either bootstrap or kafka.',
  'no-links-reader': 'The config has a linksFile, and whoever starts the mirror has not said how to read one.',
  'double-region': 'Two regions have that name: names are what regions are known by, give each its own.',
  'double-link': 'Two links have that name: give each its own.',
  'not-sealed':
    'The leaders do not agree on where the copy ends: it goes on by itself when all partitions have leaders.',
  'not-altered': 'The topic could not be changed: see what the broker says; it is tried again.',
  'run-record':
    'A record of __meridian_failovers cannot be read: nobody but the mirror of this release may write there.',
} as const;

export type MirrorErrorCode = keyof typeof MIRROR_ERRORS;

export class MirrorError extends Error {
  readonly code: MirrorErrorCode;
  constructor(code: MirrorErrorCode, detail: string) {
    super(`${detail}: ${MIRROR_ERRORS[code]}`);
    this.name = 'MirrorError';
    this.code = code;
  }
}
