/** No mirror ever says that a partition does not run without saying why, or that it is well while nothing can reach it. */
import type { GeoChecker } from '../outcome.ts';

export const statusHasReason: GeoChecker = ({ history }) =>
  [...history.badStatus.values()].map(({ mirror, what }) => `${mirror}: ${what}`);
