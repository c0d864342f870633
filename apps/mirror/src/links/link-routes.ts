/**
 * What the mirror's management port serves: the one table of its routes. Links are ours; gaps, translation, fail-over and
 * verification bring theirs as `ManagementRoute[]`.
 * Invariant: a GET changes nothing, and a secret is in no answer.
 *
 *   GET     /v1/links                 MirrorStatus
 *   GET     /v1/links/NAME            {link, managed, epoch, paused, problem, status}
 *   POST    /v1/links                 a link as `links.yaml` has it
 *   PATCH   /v1/links/NAME            {epoch?, …what changes}
 *   DELETE  /v1/links/NAME            its copies stay
 *   POST    /v1/links/NAME/pause      {by?}
 *   POST    /v1/links/NAME/resume     {topic?}: the link; or a topic that is halted, with `lost`: ranges that
 *                                     halted it, which `POST /v1/gaps/decide` may be asked about
 *   POST    /v1/links/NAME/confirm    {topic}: the copy of a topic that its origin deleted goes, too
 */
import { LINK_SCHEMA, type LinkEntry, type ManagementRoute, Refused } from '@meridian/service';
import type { MirrorStatus } from '../status.ts';
import type { StatusNow } from '../task/task-status.ts';
import type { LinkDirectory, ListedLink } from './link-directory.ts';
import type { LinkSet } from './link-set.ts';

export interface LinkRoutesOptions {
  readonly directory: LinkDirectory;
  readonly links: LinkSet;
  status(): MirrorStatus;
  now(): StatusNow;
}

const topicName = { type: 'string', minLength: 1, maxLength: 249 } as const;
const bodyOf = (properties: object, required: readonly string[] = []) => ({
  ...{ type: 'object', additionalProperties: false, properties, required },
});

const { managed: _, ...LINK_FIELDS } = LINK_SCHEMA.properties;
const CREATE = bodyOf(LINK_FIELDS, ['from', 'to']);
const CHANGE = bodyOf({ ...withoutDefaults(LINK_FIELDS), epoch: { type: 'integer', minimum: 1 } });
const PAUSE = bodyOf({ by: { type: 'string', minLength: 1, maxLength: 256, default: 'an operator' } });

export function linkRoutes(options: LinkRoutesOptions): ManagementRoute[] {
  const { directory, status } = options;
  const shown = (listed: ListedLink) => describe(options, listed);
  const nameOf = (params: Readonly<Record<string, string>>): string => params.name ?? '';
  return [
    { method: 'GET', path: '/v1/links', handle: () => status() },
    { method: 'GET', path: '/v1/links/:name', handle: ({ params }) => shown(directory.find(nameOf(params))) },
    {
      ...{ method: 'POST', path: '/v1/links', body: CREATE },
      handle: async ({ body }) => shown(await directory.create(body as LinkEntry)),
    },
    {
      ...{ method: 'PATCH', path: '/v1/links/:name', body: CHANGE },
      handle: async ({ params, body }) => {
        const { epoch, ...changes } = body as Partial<LinkEntry> & { epoch?: number };
        return shown(await directory.change(nameOf(params), changes, epoch));
      },
    },
    {
      ...{ method: 'DELETE', path: '/v1/links/:name' },
      handle: async ({ params }) => {
        await directory.remove(nameOf(params));
        return { deleted: nameOf(params) };
      },
    },
    {
      ...{ method: 'POST', path: '/v1/links/:name/pause', body: PAUSE },
      handle: async ({ params, body }) => shown(await directory.pause(nameOf(params), (body as { by: string }).by)),
    },
    ...topicRoutes(options, nameOf, shown),
  ];
}

function topicRoutes(
  { directory, links }: LinkRoutesOptions,
  nameOf: (params: Readonly<Record<string, string>>) => string,
  shown: (listed: ListedLink) => object,
): ManagementRoute[] {
  return [
    {
      ...{ method: 'POST', path: '/v1/links/:name/resume', body: bodyOf({ topic: topicName }) },
      handle: async ({ params, body }) => {
        const { topic } = body as { topic?: string };
        if (topic === undefined) return shown(await directory.resume(nameOf(params)));
        const lost = links.find(nameOf(params)).release(topic);
        if (lost === undefined) throw new Refused(404, `no topic ${topic} in ${params.name}`);
        return { ...shown(directory.find(nameOf(params))), lost };
      },
    },
    {
      ...{ method: 'POST', path: '/v1/links/:name/confirm', body: bodyOf({ topic: topicName }, ['topic']) },
      handle: async ({ params, body }) => {
        const { topic } = body as { topic: string };
        const link = links.find(nameOf(params));
        const known = link.topic(topic);
        if (known === undefined) throw new Refused(404, `no topic ${topic} in ${params.name}`);
        if (known.mode !== 'deleted')
          throw new Refused(409, `${topic} was not deleted at its origin: there is nothing to confirm`);
        await link.confirmDeletion(known);
        return { deleted: known.place.copy };
      },
    },
  ];
}

function describe({ links, now }: LinkRoutesOptions, listed: ListedLink): object {
  const { spec, managed, epoch, paused, problem } = listed;
  return { link: spec, managed, epoch, paused, problem, status: links.statusOf(listed, now()) };
}

/** What a change does not name stays as it is. */
function withoutDefaults(fields: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const { default: _, ...rest } = field as { default?: unknown };
      return [name, rest];
    }),
  );
}
