/**
 * Fail-over and fail-back on the mirror's management port: `messages.ts` has what they answer. A run that was begun is
 * carried on by the driver, whatever becomes of the request. Invariant: a GET changes nothing, and of one topic there is
 * one open run at a time.
 */
import { type ManagementRequest, type ManagementRoute, Refused, type Schema } from '@meridian/service';
import { firstFailbackStep, planFailback } from './failback-plan.ts';
import type { FailoverContext } from './failover-context.ts';
import type { Copy } from './failover-plan.ts';
import { firstStep } from './failover-steps.ts';
import type { FailoverRun, FailoverScope, RunHead, TopicRun } from './messages.ts';
import { planFailover } from './plan-facts.ts';
import type { RunDriver } from './run-driver.ts';

const ORDER = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 249, description: 'A topic, a tenant or a region.' },
    from: { type: 'string', minLength: 1, maxLength: 32 },
    force: { type: 'boolean', default: false },
  },
  required: ['name'],
} as const satisfies Schema;

interface Order {
  readonly name: string;
  readonly from?: string;
  readonly force: boolean;
}

export function failoverRoutes(context: FailoverContext, driver: RunDriver): ManagementRoute[] {
  return [
    { method: 'GET', path: '/v1/failover', handle: async (request) => (await plannedFailover(context, request)).plan },
    { method: 'POST', path: '/v1/failover', body: ORDER, handle: ({ body }) => runFailover(context, driver, body) },
    { method: 'GET', path: '/v1/failover/runs', handle: async () => ({ runs: await runsOf(driver) }) },
    { method: 'GET', path: '/v1/failback', handle: async (request) => (await plannedFailback(context, request)).plan },
    { method: 'POST', path: '/v1/failback', body: ORDER, handle: ({ body }) => runFailback(context, driver, body) },
  ];
}

async function runsOf(driver: RunDriver): Promise<FailoverRun[]> {
  try {
    return await driver.runs();
  } catch (error) {
    throw new Refused(503, `the runs cannot be read: ${(error as Error).message}`);
  }
}

async function plannedFailover(context: FailoverContext, { query }: Pick<ManagementRequest, 'query'>) {
  const { name, from } = asked(query);
  const planned = await planFailover(context, name, from);
  if (planned === undefined) {
    checkRegion(context, from);
    throw new Refused(404, `no topic, tenant or region ${name} has copies in ${context.here.name}${fromText(from)}`);
  }
  return planned;
}

async function plannedFailback(context: FailoverContext, { query }: Pick<ManagementRequest, 'query'>) {
  const { name, from } = asked(query);
  const planned = await planFailback(context, name, from);
  if (planned === undefined) {
    checkRegion(context, from);
    const where = from === undefined ? 'another region that answers' : `${from}, or ${from} does not answer`;
    throw new Refused(404, `nothing of ${context.here.name} called ${name} is promoted in ${where}`);
  }
  return planned;
}

const fromText = (from: string | undefined): string => (from === undefined ? '' : ` of ${from}`);

/** Only where nothing was found: copies may be of a region that is not in the topology any more. */
function checkRegion({ here, regions }: FailoverContext, from: string | undefined): void {
  if (from === undefined || from === here.name || regions.has(from)) return;
  const names = regions.all().map((side) => side.name);
  throw new Refused(404, `there is no region ${from}, there are: ${[here.name, ...names].join(', ')}`);
}

function asked({ name, from }: Readonly<Record<string, string>>): { name: string; from: string | undefined } {
  if (name === undefined || name === '') throw new Refused(400, 'name=<topic, tenant or region> is missing');
  return { name, from };
}

async function runFailover(context: FailoverContext, driver: RunDriver, body: unknown): Promise<FailoverRun> {
  const { name, from, force } = body as Order;
  const query = { name, ...(from !== undefined && { from }) };
  const { plan, copies } = await plannedFailover(context, { query });
  const known = await openRun(
    driver,
    copies.map(({ origin }) => ({ from: origin.originRegion, topic: origin.originTopic })),
  );
  if (known !== undefined) return known;
  if (plan.refusal !== null && !force) throw new Refused(409, plan.refusal);
  return begin(
    context,
    driver,
    'failover',
    plan.scope,
    force,
    copies.map((copy: Copy) => firstStep(copy)),
  );
}

async function runFailback(context: FailoverContext, driver: RunDriver, body: unknown): Promise<FailoverRun> {
  const { name, from, force } = body as Order;
  const query = { name, ...(from !== undefined && { from }) };
  const { plan, topics } = await plannedFailback(context, { query });
  const known = await openRun(driver, plan.topics);
  if (known !== undefined) return known;
  if (plan.refusal !== null && !force) throw new Refused(409, plan.refusal);
  return begin(context, driver, 'failback', plan.scope, force, topics.map(firstFailbackStep));
}

/** The same order again goes on with what was begun. */
async function openRun(
  driver: RunDriver,
  topics: readonly Pick<TopicRun, 'from' | 'topic'>[],
): Promise<FailoverRun | undefined> {
  const wanted = new Set(topics.map(({ from, topic }) => `${from} ${topic}`));
  return (await runsOf(driver)).find(({ state, topics: ofRun }) => {
    return state !== 'done' && ofRun.some(({ from, topic, step }) => step !== 'done' && wanted.has(`${from} ${topic}`));
  });
}

async function begin(
  { io, here }: FailoverContext,
  driver: RunDriver,
  kind: RunHead['kind'],
  scope: FailoverScope,
  force: boolean,
  topics: readonly TopicRun[],
): Promise<FailoverRun> {
  const id = `${kind}-${new Date(io.clock.now()).toISOString().replace(/[:.]/g, '-')}-${io.random.bytes(2).toString('hex')}`;
  const head: RunHead = { v: 1, id, kind, scope, to: here.name, startedMs: io.clock.now(), force };
  await driver.begin(head, topics);
  return (await runsOf(driver)).find((run) => run.id === id)!;
}
