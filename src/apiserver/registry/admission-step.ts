import type { ApiObject } from '#api/object.ts';
import type { AdmissionAttributes, Operation } from '../admission/admission.ts';
import type { RequestContext, Target } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { DraftObject } from './strategy.ts';

interface Subject {
  readonly object: ApiObject | undefined;
  readonly oldObject?: ApiObject;
  readonly options?: unknown;
  readonly context: RequestContext;
}

function attributesOf(
  storage: ResourceStorage,
  operation: Operation,
  target: Target,
  subject: Subject,
): AdmissionAttributes {
  const { info } = storage.strategy;
  const { object, oldObject, options, context } = subject;
  return {
    operation,
    kind: info,
    resource: info,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name,
    object,
    oldObject,
    options,
    user: context.user,
    dryRun: context.isDryRun,
    versions: storage.versions(target.subresource),
    warn: (text) => context.warnings.push(text),
  };
}

/** The object as the mutating plugins want it. */
export async function admit(
  storage: ResourceStorage,
  operation: Operation,
  target: Target,
  subject: Subject & { readonly object: DraftObject },
): Promise<DraftObject> {
  const chain = storage.deps.admission;
  if (!chain.handles(operation, storage.strategy.info, target.subresource)) {
    return subject.object;
  }
  // Plugins return an object of the kind they were given.
  return (await chain.admit(attributesOf(storage, operation, target, subject))) as DraftObject;
}

/** @throws {StatusError} what the validating plugins say */
export async function validateAdmission(
  storage: ResourceStorage,
  operation: Operation,
  target: Target,
  subject: Subject,
): Promise<void> {
  const chain = storage.deps.admission;
  if (chain.handles(operation, storage.strategy.info, target.subresource)) {
    await chain.validate(attributesOf(storage, operation, target, subject));
  }
}
