/** The package's one table of errors: the world failed. `code` is for programs, the message for people. */
export const COORDINATE_ERRORS = {
  'run-record': 'A record of __meridian_runs cannot be read: nobody but the mirror of this release may write there.',
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
