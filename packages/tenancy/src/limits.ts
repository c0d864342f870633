/** Every bound of the package. Names add up: region, tenant, topic and two dots never exceed Kafka's 249 characters. */
export const LIMITS = {
  /** Kafka's own bound on a topic's name. */
  maxPhysicalNameChars: 249,
  maxRegionChars: 32,
  maxTenantChars: 63,
  maxTopicChars: 152,
  maxGroupChars: 152,
  maxSubjectChars: 256,
  maxPermissions: 256,
  maxTokenChars: 8192,
  /** How far another machine's clock may be ahead, for `nbf` and `iat`; an expired token is never let in. */
  clockSkewMs: 60_000,
  maxKeys: 64,
  maxKeyFileBytes: 256 * 1024,
  /** The key file is looked at no more often than this. */
  keyFileCheckMs: 1_000,
  /** Text of a cursor. */
  maxCursorChars: 8192,
  /** Text of a session. */
  maxSessionChars: 256,
  minSecretBytes: 16,
  maxSecretBytes: 1024,
} as const;
