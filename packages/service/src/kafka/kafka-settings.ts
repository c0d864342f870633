/**
 * How an Apache Kafka cluster is reached, in the words of Kafka's own client configs: part of a region's file and of the
 * configs of the processes that talk to such a region. `kafka-endpoint.ts` makes an address list and security of it.
 * Invariant: what is not understood here is refused; nothing is quietly passed over.
 */
import type { ConfigOf } from '../config.ts';

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;
const path = text(4096);

export const KAFKA_SETTINGS = {
  type: 'object',
  additionalProperties: false,
  properties: {
    'bootstrap.servers': { ...text(8192), description: '`host:port`, several with commas between them.' },
    'security.protocol': { type: 'string', enum: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] },
    'sasl.mechanism': { type: 'string', enum: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] },
    'sasl.username': text(1024),
    'sasl.password': text(1024),
    'sasl.password.file': { ...path, description: 'A file with the password, instead of the password itself.' },
    'sasl.jaas.config': {
      ...text(8192),
      description: 'PlainLoginModule or ScramLoginModule, as Java clients have it.',
    },
    'ssl.truststore.location': {
      ...path,
      description: 'PEM: the authorities that are trusted. Default: the system’s.',
    },
    'ssl.keystore.location': { ...path, description: 'PEM: our private key and certificate.' },
    'ssl.key.password': text(1024),
    'ssl.endpoint.identification.algorithm': {
      type: 'string',
      enum: ['https', ''],
      description: 'Empty: the name in the certificate is not compared.',
    },
  },
  required: ['bootstrap.servers'],
} as const;

export type KafkaSettings = ConfigOf<typeof KAFKA_SETTINGS>;
export type KafkaSetting = keyof KafkaSettings;
