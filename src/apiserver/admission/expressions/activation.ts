import type { ApiObject } from '#api/object.ts';
import type { Namespace } from '#api/types/core.v1.ts';
import { authorizerValue, resourceCheckValue, type AuthorizationPort } from '#cel/library/authorizer.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { reviewRequest } from '../review-request.ts';
import type { VersionedWrite } from '../matching/versioned-write.ts';
import { authorizationPort } from './authorization.ts';
import type { Composition } from './composition.ts';

/** What expressions are told beside the write itself. */
export interface ExpressionInput {
  readonly write: VersionedWrite;
  /** Undefined when the policy has none; null when its binding names none. */
  readonly params?: ApiObject | undefined;
  /** Undefined for objects of the cluster. */
  readonly namespace?: Namespace | undefined;
  /** Left out where expressions may not ask. */
  readonly authorizer?: Authorizer | undefined;
}

/** Values of all variables for expressions that are evaluated together. */
export class Activation {
  readonly values: Readonly<Record<string, unknown>>;
  #variablesCost = 0;

  constructor(input: ExpressionInput, composition?: Composition) {
    const { write, params, namespace, authorizer } = input;
    const values: Record<string, unknown> = {
      object: write.object ?? null,
      oldObject: write.oldObject ?? null,
      request: reviewRequest(write),
      namespaceObject: namespace === undefined ? null : exposed(namespace),
      params: params ?? null,
    };
    if (authorizer !== undefined) {
      const port = authorizationPort(authorizer, write.attributes.user);
      values['authorizer'] = authorizerValue(port);
      values['authorizer.requestResource'] = ownResource(port, write.attributes);
    }
    if (composition !== undefined) {
      values['variables'] = composition.valueFor(
        () => this.values,
        (cost) => {
          this.#variablesCost += cost;
        },
      );
    }
    this.values = values;
  }

  /** What variables have cost since this was last asked. */
  takeVariablesCost(): number {
    const cost = this.#variablesCost;
    this.#variablesCost = 0;
    return cost;
  }
}

function ownResource(
  port: AuthorizationPort,
  { resource, subresource, namespace, name }: AdmissionAttributes,
): unknown {
  return resourceCheckValue(port, {
    group: resource.group,
    resource: resource.resource,
    subresource,
    namespace,
    name,
  });
}

/** Who wrote a namespace, and who owns it, is not for expressions. */
function exposed({ metadata, spec, status, ...rest }: Namespace): object {
  const { managedFields: _managed, ownerReferences: _owners, ...own } = metadata;
  return { ...rest, metadata: own, spec, status };
}
