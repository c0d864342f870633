/** The package's one table of errors: the world failed. `code` is for programs, the message for people. */
export const COORDINATE_ERRORS = {
  'run-record': 'A record of __meridian_runs cannot be read: nobody but the mirror of this release may write there.',
  'topic-record':
    'A record of __meridian_topics cannot be read: nobody but the mirror of this release may write there.',
  unread:
    'The topic of bookkeeping could not be read to its end in time: look at the cluster that it lies in, and at its ACLs.',
  unwritten: 'The topic of bookkeeping took no record: look at the cluster that it lies in, and at its ACLs.',
  closed: 'The reader has been closed.',
  'group-unread': 'Its coordinator does not answer, or does not tell us: try again, or look at the ACLs of groups.',
  'no-region': 'No region of this name is known here: look at the files in regions/.',
} as const;

export type CoordinateErrorCode = keyof typeof COORDINATE_ERRORS;

export class CoordinateError extends Error {
  readonly code: CoordinateErrorCode;
  constructor(code: CoordinateErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${COORDINATE_ERRORS[code]}`, options);
    this.name = 'CoordinateError';
    this.code = code;
  }
}
