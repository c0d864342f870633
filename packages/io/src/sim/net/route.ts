/**
 * The way of packets from one machine to another: the link between them and whether both have power. Every pipe and
 * every connection attempt asks it; sim-net.ts makes it.
 * Invariant: a machine reaches itself always, and quicker than any other.
 */
import type { Random } from '../../io.ts';
import { between } from '../seeded-random.ts';
import type { LinkState } from './sim-link.ts';

const LOOPBACK_LATENCY_MS = [0, 0.05] as const;

/** A machine as the network sees it. */
export interface Station {
  readonly name: string;
  readonly host: string;
  /** Off: packets to it vanish. On without a process: they are refused. */
  powered: boolean;
}

export interface Route {
  readonly from: Station;
  readonly to: Station;
  blocked(): boolean;
  latencyMs(): number;
  resetChance(): number;
}

export function createRoute(from: Station, to: Station, link: LinkState | undefined, random: Random): Route {
  return {
    from,
    to,
    blocked: () => !from.powered || !to.powered || (link?.blocks(from.name) ?? false),
    latencyMs: () => between(random, link?.latencyMs ?? LOOPBACK_LATENCY_MS),
    resetChance: () => link?.resetChance ?? 0,
  };
}
