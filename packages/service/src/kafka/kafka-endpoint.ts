/**
 * Kafka's client settings as what our client takes: bootstrap addresses, TLS and SASL. Called by the processes for each
 * region whose engine is `kafka`; `checkKafkaSettings` by the loader of regions, too.
 * Invariant: secrets are in what comes back and in nothing that is thrown.
 */
import type { Io } from '@meridian/io';
import { ServiceError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Problem } from '../schema.ts';
import { type JaasLogin, parseJaasConfig } from './jaas-config.ts';
import type { KafkaSetting, KafkaSettings } from './kafka-settings.ts';

export interface KafkaEndpoint {
  readonly bootstrap: { host: string; port: number }[];
  /** As `Security` of `@meridian/client`. */
  readonly security: {
    tls?: { ca?: string; cert?: string; key?: string; passphrase?: string; verifyHost: boolean };
    sasl?: { mechanism: JaasLogin['mechanism']; username: string; password: string };
  };
}

/** What is wrong beyond the single fields; without any file being read. */
export function checkKafkaSettings(settings: KafkaSettings): Problem[] {
  const problems: Problem[] = [];
  const complain = (setting: KafkaSetting, message: string): void => void problems.push({ path: [setting], message });
  if (parseBootstrap(settings['bootstrap.servers']) === undefined) {
    complain('bootstrap.servers', `must be host:port, or several with commas between them, ${maxText}`);
  }
  for (const name of Object.keys(settings) as KafkaSetting[]) {
    if (name.startsWith('sasl.') && !usesSasl(settings)) complain(name, `needs security.protocol SASL_SSL${orPlain}`);
    if (name.startsWith('ssl.') && !usesTls(settings)) complain(name, 'needs security.protocol SSL or SASL_SSL');
  }
  if (usesSasl(settings)) problems.push(...checkSasl(settings));
  if (settings['ssl.key.password'] !== undefined && settings['ssl.keystore.location'] === undefined) {
    complain('ssl.key.password', 'is for a key: ssl.keystore.location is missing');
  }
  return problems;
}

const orPlain = ' or SASL_PLAINTEXT';
const maxText = `${LIMITS.maxBootstrapServers} at most`;

function checkSasl(settings: KafkaSettings): Problem[] {
  const problems: Problem[] = [];
  const complain = (setting: KafkaSetting, message: string): void => void problems.push({ path: [setting], message });
  const { 'sasl.jaas.config': jaas, 'sasl.mechanism': mechanism } = settings;
  if (mechanism === undefined) complain('sasl.mechanism', 'is missing');
  const passwords = (['sasl.password', 'sasl.password.file'] as const).filter((name) => settings[name] !== undefined);
  if (jaas !== undefined) {
    for (const name of ['sasl.username', ...passwords] as const) {
      if (settings[name] !== undefined) complain(name, 'stands in sasl.jaas.config already');
    }
    const login = parseJaasConfig(jaas, mechanism);
    if (typeof login === 'string') complain('sasl.jaas.config', login);
    return problems;
  }
  if (settings['sasl.username'] === undefined) complain('sasl.username', 'is missing');
  if (passwords.length === 0) complain('sasl.password', 'is missing; sasl.password.file names a file with it');
  if (passwords.length === 2) complain('sasl.password', 'and sasl.password.file say the same: leave one');
  return problems;
}

/** Reads the files that are named. Throws a `ServiceError`. */
export function kafkaEndpoint(io: Pick<Io, 'disk'>, settings: KafkaSettings): KafkaEndpoint {
  const problem = checkKafkaSettings(settings)[0];
  if (problem !== undefined) throw new ServiceError('kafka-invalid', `${problem.path[0]} ${problem.message}`);
  return {
    bootstrap: parseBootstrap(settings['bootstrap.servers']) ?? [],
    security: {
      ...(usesTls(settings) && { tls: readTls(io, settings) }),
      ...(usesSasl(settings) && readSasl(io, settings)),
    },
  };
}

function readTls(io: Pick<Io, 'disk'>, settings: KafkaSettings) {
  const trusted = settings['ssl.truststore.location'];
  const own = settings['ssl.keystore.location'];
  const passphrase = settings['ssl.key.password'];
  const pem = own === undefined ? undefined : readFile(io, 'ssl.keystore.location', own);
  return {
    ...(trusted !== undefined && { ca: readFile(io, 'ssl.truststore.location', trusted) }),
    ...(pem !== undefined && { cert: pem, key: pem }),
    ...(passphrase !== undefined && { passphrase }),
    verifyHost: settings['ssl.endpoint.identification.algorithm'] !== '',
  };
}

function readSasl(io: Pick<Io, 'disk'>, settings: KafkaSettings): Pick<KafkaEndpoint['security'], 'sasl'> {
  const { 'sasl.mechanism': mechanism, 'sasl.jaas.config': jaas, 'sasl.password.file': file } = settings;
  if (jaas !== undefined) return { sasl: parseJaasConfig(jaas, mechanism) as JaasLogin };
  const password =
    file === undefined ? settings['sasl.password'] : readFile(io, 'sasl.password.file', file).replace(/\r?\n$/, '');
  return { sasl: { mechanism: mechanism!, username: settings['sasl.username']!, password: password! } };
}

function readFile(io: Pick<Io, 'disk'>, setting: KafkaSetting, path: string): string {
  try {
    const { size } = io.disk.stat(path);
    if (size > LIMITS.maxConfigBytes) throw new Error(`${size} bytes are too many`);
    return io.disk.readFile(path).toString('utf8');
  } catch (error) {
    throw new ServiceError('kafka-invalid', `${setting} ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function parseBootstrap(list: string): { host: string; port: number }[] | undefined {
  const addresses = list.split(',').map((each) => {
    const found = /^\s*(?:[A-Z_]+:\/\/)?(\[[0-9a-fA-F:]+\]|[^\s:/]+):(\d{1,5})\s*$/.exec(each);
    return { host: (found?.[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(found?.[2] ?? 0) };
  });
  const isGood = addresses.every(({ port }) => port >= 1 && port <= 65_535);
  return isGood && addresses.length <= LIMITS.maxBootstrapServers ? addresses : undefined;
}

const usesTls = ({ 'security.protocol': protocol }: KafkaSettings): boolean => protocol?.endsWith('SSL') ?? false;
const usesSasl = ({ 'security.protocol': protocol }: KafkaSettings): boolean => protocol?.startsWith('SASL') ?? false;
