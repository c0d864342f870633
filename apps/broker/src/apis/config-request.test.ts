/** Configs of brokers, asked of one broker and decided by another. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { alterConfigs, splitConfigs } from './config-request.ts';

const BROKER = 4;
const TOPIC = 2;
const setting = (resourceType: number, resourceName: string) => ({
  resourceType,
  resourceName,
  configs: [{ name: 'log.retention.ms', value: '1000', configOperation: 0 }],
});
const ok = { errorCode: ERROR.NONE, errorMessage: null };

test('a broker answers itself what was meant for another one, and leaves the rest to the active controller', () => {
  const request = { validateOnly: true, resources: [setting(BROKER, '2'), setting(TOPIC, 'a'), setting(BROKER, '1')] };
  const { rest, join } = splitConfigs(request, false, 1);
  expect(rest).toEqual({ ...request, resources: request.resources.slice(1) });
  const told = { throttleTimeMs: 0, responses: [ok, { errorCode: ERROR.INVALID_CONFIG, errorMessage: 'no' }] };
  const { responses } = join(told) as { responses: { errorCode: number; resourceName: string }[] };
  expect(responses.map(({ errorCode, resourceName }) => [resourceName, errorCode])).toEqual([
    ['2', ERROR.INVALID_REQUEST],
    ['a', ERROR.NONE],
    ['1', ERROR.INVALID_CONFIG],
  ]);
});

test('nothing goes on where all is refused, and an empty request does', () => {
  expect(splitConfigs({ resources: [setting(BROKER, '2')] }, false, 1).rest).toBeUndefined();
  expect(splitConfigs({ resources: [] }, false, 1).rest).toEqual({ resources: [] });
});

test('the active controller decides over configs of any broker, if that one was asked', async () => {
  const submit = (async () => ({ resources: [ok] })) as never;
  const ask = (isForwarded: boolean) =>
    alterConfigs(
      [setting(BROKER, '2')],
      { validateOnly: false, replaces: false, listener: 'client', isForwarded },
      { submit, facts: { nodeId: 1, autoCreateTopics: true } },
    );
  expect((await ask(true))[0]).toMatchObject({ errorCode: ERROR.NONE });
  expect((await ask(false))[0]).toMatchObject({ errorCode: ERROR.INVALID_REQUEST });
});
