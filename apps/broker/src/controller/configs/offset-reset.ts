/** Values of a config that says where reading begins, as Apache Kafka takes them. Read by `definition.ts`. */
const DURATION =
  /^([-+]?)P(?=[-+\dT])(?:([-+]?\d+)D)?(?:T(?=[-+\d])(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,]\d{0,9})?S)?)?$/i;
const SECONDS = [86_400n, 3_600n, 60n, 1n];
const BY_DURATION = 'by_duration:';

/** Whether Kafka takes it for the start of a share group: a negative duration would lie in the future. */
export function isOffsetReset(text: string): boolean {
  if (text === 'latest' || text === 'earliest') return true;
  const match = text.startsWith(BY_DURATION) ? DURATION.exec(text.slice(BY_DURATION.length)) : null;
  if (match === null) return false;
  const sum = SECONDS.reduce((seconds, unit, at) => seconds + unit * BigInt(match[at + 2]?.replace('+', '') ?? 0), 0n);
  return match[1] === '-' ? sum <= 0n : sum >= 0n;
}
