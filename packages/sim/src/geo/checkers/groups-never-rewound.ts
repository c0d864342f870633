/** Where a group reads, nobody puts back what it has committed there itself. */
import type { GeoChecker } from '../outcome.ts';

export const groupsNeverRewound: GeoChecker = ({ history }) =>
  history.rewinds.map(
    ({ group, at, atMs, committed, found }) =>
      `${group} committed ${committed} at ${at}, and finds ${found} (at ${Math.round(atMs)} ms)`,
  );
