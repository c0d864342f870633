/**
 * Our mirror and MirrorMaker 2 as the mirror bench starts them: a new process for every run, on the topic of the run. Both
 * name a copy by its region, so that they are looked at alike.
 */
import { meridianMirror } from '../../peers/meridian-mirror.ts';
import { mirrorMaker } from '../../peers/mirror-maker.ts';
import type { MirrorRegion } from '../../peers/mirror-region.ts';
import type { NodeProcess } from '../../peers/node-process.ts';
import { deleteTopics } from './topics.ts';

export interface Pair {
  readonly from: MirrorRegion;
  readonly to: MirrorRegion;
}

export interface Contestant {
  readonly name: 'Meridian' | 'MirrorMaker 2';
  /** Not started yet. */
  open(pair: Pair, topics: readonly string[]): NodeProcess;
  /** Removes what its run has left at the target, but for the copies. */
  forget(pair: Pair): Promise<void>;
}

export const MANAGEMENT_PORT = 31_990;
const CONNECT_TOPICS = ['configs', 'offsets', 'status'];

export const meridianContestant = (
  nodeFlags: readonly string[] = [],
  link: Readonly<Record<string, unknown>> = {},
): Contestant => ({
  name: 'Meridian',
  open: ({ from, to }, topics) =>
    meridianMirror({ from, to, topics, managementPort: MANAGEMENT_PORT, memberId: 'bench', nodeFlags, link }),
  forget: async () => {},
});

export const MIRROR_MAKER_TUNED: Contestant = {
  name: 'MirrorMaker 2',
  open: ({ from, to }, topics) => {
    const end = ({ name, engine, mirrorPort, port }: MirrorRegion) => ({
      name,
      bootstrap: `127.0.0.1:${engine === 'kafka' ? mirrorPort : port}`,
    });
    return mirrorMaker({ from: end(from), to: end(to), topics: topics.join(','), isTuned: true });
  },
  forget: ({ from, to }) =>
    deleteTopics(
      to.port,
      CONNECT_TOPICS.map((what) => `mm2-${what}.${from.name}.internal`),
    ),
};
