import type { ApiObject } from '#api/object.ts';
import type {
  PodAttachOptions,
  PodExecOptions,
  PodPortForwardOptions,
  PodProxyOptions,
} from '#api/types/core.v1.ts';
import { assert } from '#base/assert.ts';
import { admitSmallObject } from '../registry/admission-step.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import { isTrue } from '../request-info.ts';
import type { ApiCall } from './api-call.ts';
import { contextOf } from './call-options.ts';
import { proxyPrefix } from './subresources/proxy-headers.ts';

type Options = Partial<PodExecOptions & PodAttachOptions & PodPortForwardOptions & PodProxyOptions>;

const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'] as const;

/**
 * Asks admission about a connection before it is opened: exec, attach, port-forward and the proxies.
 *
 * @param storage of the resource that is connected to
 * @returns the call with what admission changed in its options
 * @throws {StatusError} what the plugins say
 */
export async function admitConnection(storage: ResourceStorage, call: ApiCall): Promise<ApiCall> {
  const { info } = call;
  const { subresources } = storage.strategy.info;
  const kind = Object.hasOwn(subresources, info.subresource) ? subresources[info.subresource] : undefined;
  assert(kind !== undefined, `${info.resource}/${info.subresource} is served`);
  const options = optionsOf(call);
  const object = { kind: kind.kind, apiVersion: 'v1', ...options } as unknown as ApiObject;
  const admitted = await admitSmallObject(
    storage,
    { namespace: info.namespace, name: info.name, subresource: info.subresource },
    { operation: 'CONNECT', kind, object, context: contextOf(call, 'create') },
  );
  return admitted === object ? call : withOptions(call, admitted as unknown as Options);
}

/** As upstream reads them from the query; what is not said is left out. */
function optionsOf({ info, query }: ApiCall): Options {
  switch (info.subresource) {
    case 'exec':
    case 'attach': {
      // Output is always wanted, whatever the client says.
      const flags = Object.fromEntries(
        FLAGS.filter((flag) =>
          flag.startsWith('std') && flag !== 'stdin' ? true : isTrue(query.get(flag)),
        ).map((flag) => [flag, true]),
      );
      const container = query.get('container') ?? '';
      const command = query.getAll('command');
      return {
        ...flags,
        ...(container === '' ? {} : { container }),
        ...(info.subresource === 'exec' ? { command } : {}),
      };
    }
    case 'portforward': {
      const ports = query
        .getAll('ports')
        .flatMap((text) => text.split(','))
        .map(Number)
        .filter(Number.isInteger);
      return ports.length === 0 ? {} : { ports };
    }
    default: {
      const path = info.path.slice(proxyPrefix(info.path).length);
      return path === '' ? {} : { path };
    }
  }
}

function withOptions(call: ApiCall, options: Options): ApiCall {
  const { info } = call;
  if (info.subresource === 'proxy') {
    const path = `${proxyPrefix(info.path)}${(options.path ?? '').replace(/^(?=[^/])/, '/')}`;
    return { ...call, info: { ...info, path } };
  }
  const query = new URLSearchParams(call.query);
  for (const flag of FLAGS) {
    query.set(flag, String(options[flag] === true));
  }
  query.delete('container');
  query.delete('command');
  query.delete('ports');
  if (options.container !== undefined) {
    query.set('container', options.container);
  }
  options.command?.forEach((word) => query.append('command', word));
  options.ports?.forEach((port) => query.append('ports', String(port)));
  return { ...call, query };
}
