/**
 * The package's one table of errors: what a peer sent, or what we were asked to send, is not valid Kafka protocol.
 * `code` is for programs (a broker closes the connection, a client fails the call), the message for people.
 * Nothing else is ever thrown by a decoder.
 */
export const PROTOCOL_ERRORS = {
  truncated: 'The message ends before its fields do.',
  'trailing-bytes': 'The message goes on after its last field.',
  'varint-too-long': 'A variable-length integer does not fit into 32 bits.',
  'negative-length': 'A length or count is negative where null is not allowed.',
  'null-not-allowed': 'A field is null that must not be null in this version.',
  'string-too-long': 'A string is longer than 32767 bytes.',
  'too-many-objects': 'The message declares more elements than a message of its size may.',
  'too-many-tags': 'A struct carries more tagged fields than allowed.',
  'tag-order': 'Tagged fields are repeated or not in ascending order.',
  'tag-size': 'A tagged field does not have the size that it declares.',
  'invalid-marker': 'The presence marker of a nullable struct is neither 1 nor -1.',
  'unsafe-integer': 'A 64-bit integer lies beyond what a number holds exactly (2^53).',
  'frame-too-large': 'A frame is negative in length or longer than the limit.',
  'unknown-api': 'No such API key.',
  'unsupported-version': 'This API is not spoken in this version.',
  'unsupported-field': 'A field is set that this version cannot carry.',
  'invalid-value': 'A value does not fit its field.',
  'unknown-record-type': 'No such metadata record type.',
  'unsupported-frame-version': 'Metadata records of this frame version are not known: written by a newer release.',
  'scram-malformed': 'A SCRAM message is malformed.',
  'scram-iterations': 'The SCRAM iteration count is outside the allowed range.',
  'scram-nonce': 'The SCRAM nonce does not continue ours.',
  'scram-authentication': 'SCRAM authentication failed: check user and password.',
  'scram-order': 'A SCRAM message came out of turn.',
} as const;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  constructor(code: ProtocolErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${PROTOCOL_ERRORS[code]}`, options);
    this.name = 'ProtocolError';
    this.code = code;
  }
}
