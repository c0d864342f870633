/** What a worker process of a campaign does: runs the seeds that it is told, one after another, until its parent goes. */
import { runTwice } from './cluster/campaign.ts';
import type { SeedOrder } from './cluster/workers.ts';
import { runGeoTwice } from './geo/campaign.ts';

const SUITES = { cluster: runTwice, geo: runGeoTwice };

export function serveSeeds(): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (order: SeedOrder) => {
    SUITES[order.suite](order).then((report) => process.send?.(report));
  });
}
