/**
 * `GET /v1/verify?topic=NAME[&link=NAME]`: compares all of a topic, named as at its origin or as its copy, with its origin,
 * and answers when it is done. Asked by `meridian verify`. One at a time: it reads both regions.
 */
import { type ManagementRoute, Refused } from '@meridian/service';
import type { LinkVerifier, PartitionVerification } from './link-verifier.ts';

export interface VerifiedTopic {
  readonly link: string;
  /** All partitions were compared to their ends, and nothing differs. */
  readonly isEqual: boolean;
  readonly partitions: readonly PartitionVerification[];
}

type Links = () => ReadonlyMap<string, Pick<LinkVerifier, 'verify'>>;

/** `links`: by name, as they are now. */
export function verifyRoutes(links: Links): ManagementRoute[] {
  let isBusy = false;
  const handle: ManagementRoute['handle'] = async ({ query: { topic, link } }) => {
    if (topic === undefined || topic === '') throw new Refused(400, 'say which topic: ?topic=NAME');
    if (isBusy) throw new Refused(409, 'another topic is being compared, wait until that is done');
    isBusy = true;
    try {
      return { topics: await verifyTopic(links(), topic, link) };
    } finally {
      isBusy = false;
    }
  };
  return [{ method: 'GET', path: '/v1/verify', handle }];
}

async function verifyTopic(
  links: ReturnType<Links>,
  topic: string,
  only: string | undefined,
): Promise<VerifiedTopic[]> {
  const chosen = [...links].filter(([name]) => only === undefined || only === name);
  if (chosen.length === 0)
    throw new Refused(404, only === undefined ? 'there are no links' : `there is no link ${only}`);
  const topics: VerifiedTopic[] = [];
  for (const [link, verifier] of chosen) {
    const partitions = await verifier.verify(topic, new AbortController().signal);
    const isEqual = partitions.every(({ difference, error }) => difference === null && error === null);
    if (partitions.length > 0) topics.push({ link, isEqual, partitions });
  }
  if (topics.length === 0) throw new Refused(404, `no link mirrors a topic ${topic}`);
  return topics;
}
