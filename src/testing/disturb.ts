import type { ApiCall } from '#apiserver/endpoints/api-call.ts';
import type { Disturb } from '#apiserver/http/http-server.ts';
import { ConnectionError, type ApiRequest, type WatchRequest } from '#client/transport.ts';
import type { Faults } from './faults.ts';

/** A request that came over the network, and when it ends. */
export type ServedListener = (request: ApiRequest | WatchRequest, ends: AbortSignal) => void;

/** Lets faults at requests that come over the network, as at those of this process. */
export function disturbBy(faults: Faults, onRequest?: ServedListener): Disturb {
  return async (call) => {
    const request = requestOf(call);
    if (request === undefined) {
      return 'nothing';
    }
    onRequest?.(request, call.signal);
    try {
      return (await faults.meet(request, call.user.name, call.signal)) ? 'lose-answer' : 'nothing';
    } catch (error) {
      if (error instanceof ConnectionError) {
        return 'lose-request';
      }
      throw error;
    }
  };
}

/** What a fault is about; undefined for paths that are no resources. */
function requestOf({ info }: ApiCall): ApiRequest | WatchRequest | undefined {
  if (!info.isResource) {
    return undefined;
  }
  const { group, version, resource, subresource, namespace, name, verb } = info;
  const target = { resource: { group, version, resource }, namespace };
  return verb === 'watch'
    ? { ...target, query: {} }
    : // Verbs of requests over the network are these and a few that no filter can name.
      { ...target, verb: verb as ApiRequest['verb'], name, subresource };
}
