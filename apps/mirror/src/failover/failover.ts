/**
 * Fail-over and fail-back of one mirror: its routes, and the driver that carries runs through. Made once by the mirror.
 * Invariant: it begins nothing by itself, and what was begun before a restart goes on.
 */
import type { ManagementRoute } from '@meridian/service';
import { failbackSteps } from './failback-steps.ts';
import type { FailoverContext } from './failover-context.ts';
import { failoverRoutes } from './failover-routes.ts';
import { failoverSteps } from './failover-steps.ts';
import { RunDriver } from './run-driver.ts';
import { RunStore } from './run-store.ts';

export interface Failover {
  readonly routes: ManagementRoute[];
  stop(): Promise<void>;
}

export type FailoverOptions = Omit<FailoverContext, 'signal'>;

export function createFailover(options: FailoverOptions): Failover {
  const { io, log, limits, here, mayDrive } = options;
  const stopping = new AbortController();
  const context: FailoverContext = { ...options, signal: stopping.signal };
  const store = new RunStore({ io, client: here.client, maxRuns: limits.maxFailoverRuns });
  const steps = { failover: failoverSteps(context), failback: failbackSteps(context) };
  const driver = new RunDriver({ io, log, limits, store, steps, mayDrive });
  driver.start();
  return {
    routes: failoverRoutes(context, driver),
    async stop() {
      stopping.abort();
      await driver.stop();
      store.close();
    },
  };
}
