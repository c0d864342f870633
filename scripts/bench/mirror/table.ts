/** Lines of the mirror bench's table: our median, MirrorMaker 2's, their ratio, and whether it is what is asked. */
import { format } from '../ratio-table.ts';

export interface Asked {
  /** Ours to MirrorMaker 2's. */
  readonly ratioAtLeast?: number;
  readonly ratioAtMost?: number;
  /** Ours alone. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface MirrorLine extends Asked {
  readonly work: string;
  readonly measure: string;
  readonly unit: string;
  readonly meridian: number;
  /** Absent where it is not measured beside ours. */
  readonly mirrorMaker?: number;
}

export const MIRROR_COLUMNS = ['work', 'measure', 'Meridian', 'MirrorMaker 2', 'ratio', 'must', ''];

export function cellsOf(line: MirrorLine): string[] {
  const { work, measure, unit, meridian, mirrorMaker = Number.NaN } = line;
  const ratio = meridian / mirrorMaker;
  const shown = [meridian, mirrorMaker].map((value) => (Number.isNaN(value) ? '–' : `${format(value)} ${unit}`.trim()));
  const { asked, isReached } = verdictOf(line, ratio);
  const verdict = isReached === undefined ? '' : isReached ? 'reached' : 'missed';
  return [work, measure, ...shown, Number.isNaN(ratio) ? '' : ratioText(ratio), asked, verdict];
}

function verdictOf({ ratioAtLeast, ratioAtMost, atLeast, atMost, meridian, unit }: MirrorLine, ratio: number) {
  const known = (value: number, isReached: boolean) => (Number.isNaN(value) ? undefined : isReached);
  if (ratioAtLeast !== undefined)
    return { asked: `≥ ${ratioAtLeast}×`, isReached: known(ratio, ratio >= ratioAtLeast) };
  if (ratioAtMost !== undefined)
    return { asked: `≤ 1/${Math.round(1 / ratioAtMost)}`, isReached: known(ratio, ratio <= ratioAtMost) };
  if (atLeast !== undefined)
    return { asked: `≥ ${format(atLeast)} ${unit}`, isReached: known(meridian, meridian >= atLeast) };
  if (atMost !== undefined)
    return { asked: `≤ ${format(atMost)} ${unit}`, isReached: known(meridian, meridian <= atMost) };
  return { asked: '', isReached: undefined };
}

const ratioText = (ratio: number): string =>
  ratio >= 1 ? `${ratio.toPrecision(3)}×` : `1/${(1 / ratio).toPrecision(3)}`;
