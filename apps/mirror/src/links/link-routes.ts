/**
 * What the mirror's management port serves: the one table of its routes. Links are ours; gaps, translation, fail-over and
 * verification bring theirs as `ManagementRoute[]`.
 * Invariant: a GET changes nothing.
 */
import type { ManagementRoute } from '@meridian/service';
import type { LinkStatus } from '../status.ts';

export interface LinkRoutesOptions {
  status(): LinkStatus[];
}

export function linkRoutes({ status }: LinkRoutesOptions): ManagementRoute[] {
  return [{ method: 'GET', path: '/v1/links', handle: () => ({ links: status() }) }];
}
