import { StatusError, unknownPath } from '#api/status-error.ts';
import { customScale } from '../crd/custom-scale.ts';
import type { ServedCustom } from '../crd/custom-resources.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import { checkPlace } from './check-place.ts';
import { serveResource } from './resource-endpoint.ts';
import { serveScale } from './subresources/scale.ts';

/** Serves a resource that a CustomResourceDefinition defines, or says that there is none. */
export async function serveCustom(served: ServedCustom | undefined, call: ApiCall): Promise<ApiResult> {
  const { info } = call;
  if (served === undefined) {
    throw unknownPath();
  }
  checkPlace(served.info, info);
  if (info.subresource !== '' && !Object.hasOwn(served.info.subresources, info.subresource)) {
    throw unknownPath();
  }
  if (info.verb === 'create' && served.isTerminating()) {
    throw new StatusError({
      code: 405,
      reason: 'MethodNotAllowed',
      message: `${info.verb} not allowed while custom resource definition is terminating`,
    });
  }
  if (served.warning !== undefined) {
    call.warnings.push(served.warning);
  }
  const { storage, version } = served;
  const scale = version.definition.subresources?.scale;
  return info.subresource === 'scale' && scale !== undefined
    ? serveScale(storage, call, customScale(scale))
    : serveResource(
        { storage },
        info.verb === 'watch' ? { ...call, signal: AbortSignal.any([call.signal, served.ended]) } : call,
      );
}
