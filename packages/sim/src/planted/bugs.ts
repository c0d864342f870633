/** The bugs that the simulator must find: each is a mistake that systems of this kind have been shipped with. */
import { MIRROR_BUGS } from './mirror-bugs.ts';
import type { PlantedBug } from './planted-bug.ts';
import { QUORUM_BUGS } from './quorum-bugs.ts';
import { REPLICATION_BUGS } from './replication-bugs.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [...REPLICATION_BUGS, ...QUORUM_BUGS, ...MIRROR_BUGS];
