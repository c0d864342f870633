/**
 * Which handler serves a request on a listener. Built once per listener from the handlers; asked on every request.
 * Invariant: an API that is not routed here does not exist on the listener, and ApiVersions advertises exactly these.
 */
import { type Api, ApiVersions, ERROR, ProtocolError, type ResponseInput } from '@meridian/protocol';
import type { AnyHandler, ListenerName } from '../apis/handler.ts';
import type { Authentication } from './authentication.ts';

export interface Route {
  readonly api: Api;
  readonly handler: AnyHandler;
  /** Set where the answer is known without looking at the body: ApiVersions of a version that we do not speak. */
  readonly answer: ResponseInput<typeof ApiVersions> | undefined;
}

export interface Dispatch {
  readonly apis: readonly Api[];
  /** Throws ProtocolError where there is no answer that the client could read: unknown API or version, not let in yet. */
  routeOf(header: { apiKey: number; apiVersion: number }, authentication: Authentication): Route;
}

/**
 * The header of an ApiVersions request in a version that we do not know, and so cannot know its header's form: only
 * what every version begins with is read. Undefined for all other requests.
 */
export function tooNewApiVersions(frame: Buffer) {
  if (frame.length < 8 || frame.readInt16BE(0) !== ApiVersions.key) return undefined;
  const apiVersion = frame.readInt16BE(2);
  if (apiVersion >= ApiVersions.minVersion && apiVersion <= ApiVersions.maxVersion) return undefined;
  return { apiKey: ApiVersions.key, apiVersion, correlationId: frame.readInt32BE(4), clientId: null, bodyOffset: 8 };
}

export function createDispatch(listener: ListenerName, handlers: readonly AnyHandler[]): Dispatch {
  const served = handlers.filter(({ api }) => api.listeners.includes(listener));
  const routes: (Route | undefined)[] = [];
  for (const handler of served) routes[handler.api.key] = { api: handler.api, handler, answer: undefined };
  const { key: apiKey, minVersion, maxVersion } = ApiVersions;
  const tooNew = { errorCode: ERROR.UNSUPPORTED_VERSION, apiKeys: [{ apiKey, minVersion, maxVersion }] };
  const versionsRoute = routes[ApiVersions.key];
  const tooNewRoute = versionsRoute && { ...versionsRoute, answer: tooNew };
  return {
    apis: served.map(({ api }) => api).sort((a, b) => a.key - b.key),
    routeOf({ apiKey, apiVersion }, authentication) {
      const route = routes[apiKey];
      if (route === undefined) throw new ProtocolError('unknown-api', `api ${apiKey}`);
      if (!authentication.allows(apiKey))
        throw new ProtocolError('scram-order', `${route.api.name} before authentication`);
      if (apiVersion >= route.api.minVersion && apiVersion <= route.api.maxVersion) return route;
      if (apiKey === ApiVersions.key && tooNewRoute) return tooNewRoute;
      throw new ProtocolError('unsupported-version', `${route.api.name} v${apiVersion}`);
    },
  };
}
