/** Kafka's names for the files of a partition that are named after an offset. */
const NAME_DIGITS = 20;

export type OffsetFileKind = 'log' | 'index' | 'timeindex' | 'txnindex' | 'snapshot';

/** The offset in twenty digits. */
export function offsetFileName(offset: number, kind: OffsetFileKind): string {
  return `${String(offset).padStart(NAME_DIGITS, '0')}.${kind}`;
}
