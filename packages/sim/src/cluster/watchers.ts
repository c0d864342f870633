/** All checkers that watch a running region, and those that are told of lives and deaths. Made once a run. */

import { acknowledgedLed } from './checkers/acknowledged-led.ts';
import { commitsOwnEpoch } from './checkers/commits-own-epoch.ts';
import { electableHaveAll } from './checkers/electable-have-all.ts';
import { epochsRemembered } from './checkers/epochs-remembered.ts';
import { imagesEqual } from './checkers/images-equal.ts';
import { isrInReplicas } from './checkers/isr-in-replicas.ts';
import { metadataDurable } from './checkers/metadata-durable.ts';
import { oneLeader } from './checkers/one-leader.ts';
import { type OpenReplica, recoveryKeeps } from './checkers/recovery-keeps.ts';
import { type VotesOnce, votesOnce } from './checkers/votes-once.ts';
import type { CreateWatcher, Watcher } from './checkers/watcher.ts';
import { watermarkCovered } from './checkers/watermark-covered.ts';
import { watermarksMonotone } from './checkers/watermarks-monotone.ts';
import type { History } from './history.ts';
import type { HowDied, NodeSlot } from './node-slot.ts';
import { MIN_ISR } from './plan.ts';
import { type SightingSources, type Sightings, sightingWatcher } from './sightings.ts';

export interface WatchersOptions {
  readonly history: History;
  readonly sightings: Sightings;
  fail(what: string): void;
  readonly sources: SightingSources;
}

export interface Watchers {
  readonly all: readonly Watcher[];
  readonly votes: VotesOnce;
  died(slot: NodeSlot, how: HowDied, logs: Iterable<OpenReplica>): void;
  opened(slot: NodeSlot, replica: OpenReplica & { log: { recoveredDamage?: string | undefined } }): void;
}

export function watchers({ history, sightings, fail, sources }: WatchersOptions): Watchers {
  const named: Readonly<Record<string, CreateWatcher>> = {
    acknowledgedLed: (say) => acknowledgedLed(say, history),
    electableHaveAll: (say) => electableHaveAll(say, history),
    commitsOwnEpoch,
    metadataDurable,
    imagesEqual,
    isrInReplicas,
    oneLeader,
    watermarkCovered: (say) => watermarkCovered(say, MIN_ISR),
    watermarksMonotone,
  };
  const all = Object.entries(named).map(([name, create]) => create((what) => fail(`${name}: ${what}`)));
  const recovery = recoveryKeeps((what) => fail(`recoveryKeeps: ${what}`));
  const epochs = epochsRemembered((what) => fail(`epochsRemembered: ${what}`));
  const votes = votesOnce((what) => fail(`votesOnce: ${what}`));
  const seen = sightingWatcher(sightings, sources);
  history.onAcknowledged = (topic, index, baseOffset) => seen.acknowledged(topic, index, baseOffset);
  return {
    votes,
    all: [...all, recovery, epochs, seen],
    died: (slot, how, logs) => {
      recovery.died(slot.plan.id, how, logs);
      if (how === 'wiped') votes.wiped(slot.plan.id);
      if (how === 'wiped' || how === 'gave up') epochs.wiped(slot.plan.id);
    },
    opened: (slot, replica) => {
      recovery.opened(slot.plan.id, replica);
      if (replica.log.recoveredDamage !== undefined) sightings.see('recovery cuts off a torn batch');
    },
  };
}
