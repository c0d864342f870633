/**
 * `sasl.jaas.config` as Java clients have it, of the two login modules with a user and a password. Called by
 * `kafka-endpoint.ts`. Invariant: what it complains of never shows the value, which holds a password.
 */

export interface JaasLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

const MODULES: Readonly<Record<string, 'PLAIN' | 'SCRAM'>> = {
  'org.apache.kafka.common.security.plain.PlainLoginModule': 'PLAIN',
  'org.apache.kafka.common.security.scram.ScramLoginModule': 'SCRAM',
};

const OPTION = /\s*([A-Za-z0-9_.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"';]+))/y;

/** The login, or what is wrong. */
export function parseJaasConfig(text: string, mechanism: JaasLogin['mechanism'] | undefined): JaasLogin | string {
  const head = /^\s*([\w.]+)\s+required\b/.exec(text);
  const kind = head && MODULES[head[1]!];
  if (!kind) return `must name ${Object.keys(MODULES).join(' or ')}, and \`required\``;
  if (mechanism === undefined || !mechanism.startsWith(kind)) return `is for ${kind}, sasl.mechanism is another`;
  const options = new Map<string, string>();
  OPTION.lastIndex = head[0].length;
  let end = head[0].length;
  for (let found = OPTION.exec(text); found !== null; found = OPTION.exec(text)) {
    const quoted = found[2] ?? found[3];
    options.set(found[1]!, quoted === undefined ? found[4]! : quoted.replace(/\\(.)/g, '$1'));
    end = OPTION.lastIndex;
  }
  if (!/^\s*;\s*$/.test(text.slice(end))) return 'must be name="value" pairs and end with a semicolon';
  const username = options.get('username');
  const password = options.get('password');
  if (username === undefined || password === undefined) return 'must have username and password';
  return { mechanism, username, password };
}
