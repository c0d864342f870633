/** The package's one table of errors: the world failed. `code` is for programs, the message for people. */
export const CLIENT_ERRORS = {
  unreachable: 'No broker could be reached: check the address and whether the broker runs.',
  disconnected: 'The connection ended before the answer came.',
  timeout: 'No answer in time.',
  cancelled: 'The call was cancelled.',
  closed: 'The client has been closed.',
  tls: 'No trusted TLS connection: check the certificates of both sides, and that the port speaks TLS.',
  authentication: 'The broker refused the credentials: check the user, the password and the mechanism.',
  'unsupported-version': 'The broker speaks no version of this API that we speak.',
  protocol: 'The broker sent what is not Kafka protocol: check that the port is a broker.',
  'unknown-topic': 'No such topic or partition.',
  'unknown-node': 'No broker with this id is known.',
  'no-leader': 'The partition has no leader at present.',
  'outcome-unknown': 'The connection broke before the answer: the records may have been appended or not.',
  fenced: 'Another process has taken over.',
  'predecessor-failed': 'A batch of the same producer before this one was not appended: number them anew.',
  'too-many-pending': 'Too many produces are waiting for this broker: slow down.',
  refused: 'The broker refused the request.',
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

export class ClientError extends Error {
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${CLIENT_ERRORS[code]}`, options);
    this.name = 'ClientError';
    this.code = code;
  }
}
