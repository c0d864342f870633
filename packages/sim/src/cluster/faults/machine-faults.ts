/** Processes and machines that die, stop, stand still or have wrong clocks. */
import { between, chance } from '@meridian/io/sim';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import type { NodeSlot } from '../node-slot.ts';
import { pick } from '../plan.ts';
import type { Fault, FaultContext, FaultEntry } from './fault.ts';
import { lateCandidate } from './late-candidate.ts';

/** Just after a vote, or after the first words of a new leader. */
const SOON_MS = [0, 8] as const;
const QUICK_RESTART_MS = [1, 60] as const;
const STOP_LIMIT_MS = 20_000;
const TOGETHER_MS = 30;

const killed = ({ atlas }: FaultContext, slot: NodeSlot | undefined): false | undefined => {
  if (slot === undefined || !atlas.mayKill(slot)) return false;
  slot.kill();
  return undefined;
};

const activeController = ({ region, nodes }: FaultContext): NodeSlot | undefined => {
  const active = nodes().filter(({ isActiveController }) => isActiveController);
  return active[0] && region.slot(active[0].nodeId);
};

/** The leader of some partition of the workload. */
const someLeader = ({ region, nodes, random }: FaultContext): NodeSlot | undefined => {
  const image = nodes()[0]?.image;
  const topic = image?.topicsByName.get(pick(random, region.plan.topics).name);
  if (topic === undefined) return undefined;
  return region.slot(pick(random, topic.partitions).leader);
};

const kill: Fault = (context) => killed(context, pick(context.random, context.region.slots));
const killLeader: Fault = (context) => killed(context, someLeader(context));
const killController: Fault = (context) => killed(context, activeController(context));

const killTwo: Fault = (context) => {
  const { region, random, atlas } = context;
  const [first, second] = [pick(random, region.brokers), pick(random, region.slots)];
  if (!atlas.mayKill(first) || !atlas.mayKill(second)) return false;
  first.kill();
  region.world.after(between(random, [0, TOGETHER_MS]), () => {
    if (second !== first && atlas.mayKill(second)) second.kill();
  });
  return undefined;
};

const killAll: Fault = ({ region, atlas }) => {
  if (region.brokers.some((slot) => !atlas.mayKill(slot))) return false;
  for (const slot of region.slots) slot.kill();
  return undefined;
};

const powerLoss: Fault = ({ region, random, atlas }) => {
  const slot = pick(random, region.slots);
  if (!atlas.mayDamage(slot)) return false;
  atlas.damaged(slot);
  slot.powerLoss();
  return undefined;
};

const leaderPowerLoss: Fault = (context) => {
  const slot = someLeader(context);
  if (slot === undefined || !context.atlas.mayDamage(slot)) return false;
  context.atlas.damaged(slot);
  slot.powerLoss();
  return undefined;
};

/** Controllers keep no promise but on fsynced files: their power may go all at once. */
const controllersPowerLoss: Fault = ({ region, atlas }) => {
  const slots = region.controllers.filter((slot) => !slot.plan.isBroker);
  if (slots.length === 0 || slots.some((slot) => !atlas.mayDamage(slot))) return false;
  for (const slot of slots) slot.powerLoss();
  return undefined;
};

/** A voter dies while an election is under way, and is back before it is over. */
const electionTrap: Fault = ({ region, random, atlas, whenEpochMoves }) => {
  const losesPower = chance(random, 0.6);
  const afterMs = between(random, SOON_MS);
  const restartMs = between(random, QUICK_RESTART_MS);
  return whenEpochMoves((slot) => {
    region.world.after(afterMs, () => {
      if (!slot.plan.isController || !(losesPower ? atlas.mayDamage(slot) : atlas.mayKill(slot))) return;
      if (losesPower) atlas.damaged(slot);
      if (losesPower) slot.powerLoss(restartMs);
      else slot.kill(restartMs);
    });
  });
};

const wipe: Fault = ({ region, random, atlas }) => {
  const slot = pick(random, region.brokers);
  if (slot.plan.isController || !atlas.mayDamage(slot)) return false;
  atlas.damaged(slot);
  slot.wipe();
  return undefined;
};

const stop: Fault = ({ region, random }) => {
  const slot = pick(random, region.slots);
  if (!slot.isUp) return false;
  slot.stop(STOP_LIMIT_MS);
  return undefined;
};

const pause: Fault = ({ region, random }) => {
  pick(random, region.slots).node.stall(between(random, LIMITS.pauseMs));
  return undefined;
};

const pauseLeader: Fault = (context) => {
  someLeader(context)?.node.stall(between(context.random, LIMITS.pauseMs));
  return undefined;
};

const pauseController: Fault = (context) => {
  activeController(context)?.node.stall(between(context.random, LIMITS.pauseMs));
  return undefined;
};

const clockJump: Fault = ({ region, random }) => {
  const { node } = pick(random, region.slots);
  node.setClockOffset(between(random, LIMITS.clockJumpMs));
  return () => node.setClockOffset(0);
};

export const MACHINE_FAULTS: readonly FaultEntry[] = [
  { name: 'kill', weight: 4, begin: kill },
  { name: 'kill leader', weight: 4, begin: killLeader },
  { name: 'kill controller', weight: 3, begin: killController },
  { name: 'kill two', weight: 2, begin: killTwo },
  { name: 'kill all', weight: 0.5, begin: killAll },
  { name: 'power loss', weight: 4, begin: powerLoss },
  { name: 'power loss of a leader', weight: 4, begin: leaderPowerLoss },
  { name: 'power loss of controllers', weight: 1, begin: controllersPowerLoss },
  { name: 'death in an election', weight: 3, begin: electionTrap },
  { name: 'late candidate', weight: 3, begin: lateCandidate },
  { name: 'wiped disk', weight: 1.5, begin: wipe },
  { name: 'clean stop', weight: 3, begin: stop },
  { name: 'pause', weight: 3, begin: pause },
  { name: 'pause leader', weight: 3, begin: pauseLeader },
  { name: 'pause controller', weight: 2, begin: pauseController },
  { name: 'clock jump', weight: 2, begin: clockJump },
];
