/** The command line's one table of errors. `code` is for programs, the message for people; the exit code is 1. */
export const CLI_ERRORS = {
  'port-in-use': 'Stop the process that listens there, or move all ports with --port-offset.',
  'data-in-use': 'Stop the other platform, or choose another folder with --data.',
  'data-too-new': 'It was written by a newer version of Meridian: use that version, or another folder with --data.',
  'too-few-brokers':
    'Their data lies on all of them: start as many or more (without --brokers: as many), or choose another --data.',
  'data-unreadable': 'The data folder cannot be used: check its owner and permissions, or choose another with --data.',
  'no-keys': 'Start the local platform first (`meridian local`), or name its data folder with --data.',
  'start-failed': 'A part of the platform did not start; its log is named above.',
  'unknown-region': 'There is no such region in the regions folder.',
  'no-token': 'Give a token with --token or in MERIDIAN_TOKEN; `meridian token` makes one.',
  'bad-option': 'See --help.',
  'topic-failed': 'The broker refused.',
  'not-reachable': 'Is the platform running? Check --region, --gateway and --port-offset.',
  'publish-failed': 'Not every record was acknowledged.',
  'gaps-found': 'What lies in them was lost at its origin before it was copied; see docs/links.md.',
  'not-verified': 'What differs is named above; docs/links.md says what to do.',
  'plan-loses': 'See docs/links.md before you run it.',
  'not-done': 'It says above what it waits for; give the same command again to look on.',
  'not-exact': 'The offset has no exact counterpart there.',
  refused: 'Nothing was changed.',
} as const;

export type CliErrorCode = keyof typeof CLI_ERRORS;

export class CliError extends Error {
  readonly code: CliErrorCode;
  /** Without what the code says: for errors that are told together with others. */
  readonly detail: string;
  constructor(code: CliErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}\n${CLI_ERRORS[code]}`, options);
    this.name = 'CliError';
    this.code = code;
    this.detail = detail;
  }
}

/** Exit codes, also in `--help`. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
