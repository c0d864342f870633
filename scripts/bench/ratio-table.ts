/**
 * A line of a table that compares Meridian with Apache Kafka: the two medians, their ratio, and whether it is what was
 * asked. Used by `bench -- broker` and `bench -- cluster`.
 */

export interface Measure {
  readonly name: string;
  readonly unit: string;
  /** A ratio at least, or at most, as large; absent where the number only informs. */
  readonly atLeast?: readonly [must: number, aim: number];
  readonly atMost?: readonly [must: number, aim: number];
  /** Meridian's own figure, whatever Apache Kafka's is. */
  readonly ownAtMost?: readonly [must: number, aim: number];
}

export const RATIO_COLUMNS = ['work', 'measure', 'Meridian', 'Apache Kafka', 'ratio', 'must', 'aim', ''];

export function ratioLine(
  work: string,
  measure: Measure,
  [meridian = Number.NaN, kafka = Number.NaN]: number[],
): string[] {
  const ratio = meridian / kafka;
  const { atLeast, atMost, ownAtMost, unit } = measure;
  const [must, aim] = atLeast ?? atMost ?? ownAtMost ?? [];
  const sign = atLeast === undefined ? '≤' : '≥';
  const value = ownAtMost === undefined ? ratio : meridian;
  const reached = (limit: number) => (atLeast === undefined ? value <= limit : value >= limit);
  const times = ownAtMost === undefined ? '×' : ` ${unit}`;
  const asked = (limit: number | undefined) => (limit === undefined ? '' : `${sign} ${format(limit)}${times}`);
  const shown = [meridian, kafka].map((each) => (Number.isNaN(each) ? '–' : `${format(each)} ${unit}`.trim()));
  const verdict =
    must === undefined || aim === undefined || Number.isNaN(value)
      ? ''
      : reached(aim)
        ? 'aim'
        : reached(must)
          ? 'must'
          : 'missed';
  const ratioShown = Number.isNaN(ratio) ? '' : `${ratio.toFixed(2)}×`;
  return [work, measure.name, ...shown, ratioShown, asked(must), asked(aim), verdict];
}

export function format(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}
