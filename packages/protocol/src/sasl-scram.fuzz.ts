/**
 * Fuzzing of both SCRAM machines: `npm run fuzz -- sasl-scram`. The first byte chooses which message is replaced by the
 * rest. Only ProtocolError may come out, and nobody may get in by a message that was not made with the password.
 */
import { ProtocolError } from './errors.ts';
import { createScramClient, createScramServer, scramCredential } from './sasl-scram.ts';

const USER = 'internal';
const CLIENT_NONCE = 'fyko+d2lbbFgONRv9qkxdawL';
const SERVER_NONCE = '3rfcNHYJY1ZVvWVs7j';
const credential = scramCredential('a password that the fuzzer has not', Buffer.from('salt of the fuzzer'));

export function corpus(): Buffer[] {
  const nonce = CLIENT_NONCE + SERVER_NONCE;
  const messages = [
    `n,,n=${USER},r=${CLIENT_NONCE}`,
    `c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
    `r=${nonce},s=QSXCR+Q6sek8bf92,i=9`,
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  ];
  return messages.map((text, step) => Buffer.concat([Buffer.from([step]), Buffer.from(text)]));
}

export function fuzz(input: Buffer): void {
  const [step, message] = [(input[0] ?? 0) % 4, input.subarray(1)];
  const server = createScramServer({ lookup: (user) => (user === USER ? credential : undefined), nonce: SERVER_NONCE });
  const client = createScramClient({ user: USER, password: 'wrong', nonce: CLIENT_NONCE });
  try {
    if (step <= 1) {
      server.first(step === 0 ? message : client.first());
      server.final(message);
    } else {
      client.first();
      // Too few rounds are refused before they are spent: what is fuzzed here is the parsing.
      if (step === 2) client.final(message);
      client.verify(message);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return;
  }
  if (server.user !== undefined || step > 1) throw new Error('let in without the password');
}
