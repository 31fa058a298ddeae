import type { ApiObject } from '#api/object.ts';
import type { GroupVersionKind } from '#api/resource-type.ts';
import type { AdmissionAttributes, Operation } from '../admission/admission.ts';
import type { RequestContext, Target } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { DraftObject } from './strategy.ts';

/** What admission is shown in place of the object: the small object of a subresource such as `scale`. */
export interface AdmissionFace {
  readonly kind: GroupVersionKind;
  show(object: DraftObject): ApiObject;
  /** The object with what admission changed in what it was shown. */
  take(shown: ApiObject, object: DraftObject): DraftObject;
}

interface Subject {
  readonly object: ApiObject | undefined;
  readonly oldObject?: ApiObject;
  readonly options?: unknown;
  readonly context: RequestContext;
  /** Left out where admission sees the objects themselves. */
  readonly face?: AdmissionFace | undefined;
}

function attributesOf(
  storage: ResourceStorage,
  operation: Operation,
  target: Target,
  subject: Subject,
): AdmissionAttributes {
  const { object, oldObject, options, context, face } = subject;
  // Clients may speak another version than the stored one.
  const info = context.view?.info ?? storage.strategy.info;
  return {
    operation,
    kind: face?.kind ?? info,
    resource: info,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name,
    object,
    oldObject,
    options: options ?? context.options,
    user: context.user,
    dryRun: context.isDryRun,
    versions: face === undefined ? storage.versions(target.subresource, context.view) : undefined,
    warn: (text) => context.warnings.push(text),
    annotate: context.annotate,
  };
}

/** False when no plugin would look at the write, or when it is part of one that was admitted. */
function isOfInterest(
  storage: ResourceStorage,
  operation: Operation,
  { subresource }: Target,
  { view, isAdmitted }: RequestContext,
): boolean {
  const info = view?.info ?? storage.strategy.info;
  return isAdmitted !== true && storage.deps.admission.handles(operation, info, subresource);
}

/** The object as the mutating plugins want it. */
export async function admit(
  storage: ResourceStorage,
  operation: Operation,
  target: Target,
  subject: Subject & { readonly object: DraftObject },
): Promise<DraftObject> {
  if (!isOfInterest(storage, operation, target, subject.context)) {
    return subject.object;
  }
  const { object, face } = subject;
  const shown = faced(subject);
  // Plugins return an object of the kind they were given.
  const admitted = (await storage.deps.admission.admit(
    attributesOf(storage, operation, target, shown),
  )) as DraftObject;
  return face === undefined ? admitted : admitted === shown.object ? object : face.take(admitted, object);
}

function faced<T extends Subject>(subject: T): T {
  const { object, oldObject, face } = subject;
  return face === undefined
    ? subject
    : {
        ...subject,
        // A face is of objects of its storage.
        object: object && face.show(object as DraftObject),
        ...(oldObject === undefined ? {} : { oldObject: face.show(oldObject as DraftObject) }),
      };
}

/** @throws {StatusError} what the validating plugins say */
export async function validateAdmission(
  storage: ResourceStorage,
  operation: Operation,
  target: Target,
  subject: Subject,
): Promise<void> {
  if (isOfInterest(storage, operation, target, subject.context)) {
    await storage.deps.admission.validate(attributesOf(storage, operation, target, faced(subject)));
  }
}

/**
 * Asks both kinds of plugins about a deletion; there is no object that they could change.
 *
 * @throws {StatusError} what the plugins say
 */
export async function admitDeletion(
  storage: ResourceStorage,
  target: Target,
  subject: { readonly oldObject: ApiObject; readonly options: unknown; readonly context: RequestContext },
): Promise<void> {
  if (isOfInterest(storage, 'DELETE', target, subject.context)) {
    const attributes = attributesOf(storage, 'DELETE', target, { ...subject, object: undefined });
    await storage.deps.admission.admit(attributes);
    await storage.deps.admission.validate(attributes);
  }
}

/**
 * Asks about a small object that is not stored itself: a binding, an eviction, the options of a connection.
 *
 * @param asked.operation a creation when left out
 * @returns the small object as the plugins want it; the very same one when they leave it alone
 * @throws {StatusError} what the plugins say
 */
export async function admitSmallObject(
  storage: ResourceStorage,
  target: Target,
  asked: {
    readonly operation?: 'CREATE' | 'CONNECT';
    readonly kind: GroupVersionKind;
    readonly object: ApiObject;
    readonly context: RequestContext;
  },
): Promise<ApiObject> {
  const { operation = 'CREATE', kind, object, context } = asked;
  if (!isOfInterest(storage, operation, target, context)) {
    return object;
  }
  const attributes = {
    ...attributesOf(storage, operation, target, { object, context }),
    kind,
    versions: undefined,
    // Opening a connection has no options but its object.
    ...(operation === 'CONNECT' ? { options: undefined } : {}),
  };
  const admitted = (await storage.deps.admission.admit(attributes)) ?? object;
  await storage.deps.admission.validate({ ...attributes, object: admitted });
  return admitted;
}
