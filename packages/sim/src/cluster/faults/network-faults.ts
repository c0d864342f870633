/** Links that are cut, deaf in one direction, slow, or break connections. */
import { chance } from '@meridian/io/sim';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import { pick } from '../plan.ts';
import { CLIENT_MACHINES } from '../region.ts';
import type { Fault, FaultContext, FaultEntry } from './fault.ts';

const NORMAL_LATENCY_MS = [0, 1] as const;

const everybody = ({ region }: FaultContext): (string | number)[] => [
  ...region.slots.map(({ plan }) => plan.id),
  ...CLIENT_MACHINES,
];

const somePair = (context: FaultContext): [number, string | number] => {
  const one = pick(context.random, context.region.slots).plan.id;
  return [
    one,
    pick(
      context.random,
      everybody(context).filter((name) => name !== one),
    ),
  ];
};

const cut: Fault = (context) => {
  const link = context.region.link(...somePair(context));
  link.set({ cut: true });
  return () => link.set({ cut: false });
};

/** A node, or its peers only, cannot be reached. */
const isolate: Fault = (context) => {
  const { region, random } = context;
  const one = pick(random, region.slots).plan.id;
  const peersOnly = chance(random, 0.5);
  const others = everybody(context).filter((name) => name !== one && (!peersOnly || typeof name === 'number'));
  const links = others.map((other) => region.link(one, other));
  for (const link of links) link.set({ cut: true });
  return () => {
    for (const link of links) link.set({ cut: false });
  };
};

const oneWay: Fault = (context) => {
  const link = context.region.link(...somePair(context));
  link.set({ oneWayDrop: pick(context.random, ['a-to-b', 'b-to-a'] as const) });
  return () => link.set({ oneWayDrop: undefined });
};

/** A node that hears everybody and is heard by none of its peers, or the other way round. */
const deaf: Fault = ({ region, random }) => {
  const one = pick(random, region.slots).plan.id;
  const direction = pick(random, ['a-to-b', 'b-to-a'] as const);
  const links = region.slots.filter(({ plan }) => plan.id !== one).map(({ plan }) => region.link(one, plan.id));
  for (const link of links) link.set({ oneWayDrop: direction });
  return () => {
    for (const link of links) link.set({ oneWayDrop: undefined });
  };
};

const resets: Fault = (context) => {
  const link = context.region.link(...somePair(context));
  link.set({ resetChance: 0.02 });
  link.reset();
  return () => link.set({ resetChance: 0 });
};

const slow: Fault = (context) => {
  const link = context.region.link(...somePair(context));
  link.set({ latencyMs: LIMITS.slowLinkMs });
  return () => link.set({ latencyMs: NORMAL_LATENCY_MS });
};

/** Elections among controllers that hear each other late are split more often. */
const slowControllers: Fault = ({ region: { controllers, link } }) => {
  const ids = controllers.map(({ plan }) => plan.id);
  const links = ids.flatMap((one, at) => ids.slice(at + 1).map((other) => link(one, other)));
  for (const each of links) each.set({ latencyMs: LIMITS.slowLinkMs });
  return () => {
    for (const each of links) each.set({ latencyMs: NORMAL_LATENCY_MS });
  };
};

export const NETWORK_FAULTS: readonly FaultEntry[] = [
  { name: 'cut', weight: 3, begin: cut },
  { name: 'isolate', weight: 3, begin: isolate },
  { name: 'one way', weight: 3, begin: oneWay },
  { name: 'deaf', weight: 2, begin: deaf },
  { name: 'resets', weight: 2, begin: resets },
  { name: 'slow link', weight: 2, begin: slow },
  { name: 'slow controllers', weight: 2, begin: slowControllers },
];
