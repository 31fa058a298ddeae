// What `import … from 'coracle/controller'` gives.
export type { ApiObject, DeepPartial, NewObject } from '#api/object.ts';
export { objectKey, parseObjectKey } from '#api/object.ts';
export type { ResourceType } from '#api/resource-type.ts';
export { isAlreadyExists, isConflict, isInvalid, isNotFound, StatusError } from '#api/status-error.ts';
export type { Condition, ObjectMeta, OwnerReference } from '#api/types/meta.v1.ts';
export * from '#api/types/resources.ts';
export type { Duration } from '#base/duration.ts';
export { CertificateAuthority, type CertifiedKey } from '#base/x509/certificate-authority.ts';
export { Client, type ResourceClient } from '#client/client.ts';
export { connect, type ConnectOptions, type Connection, type ServerConnection } from '#client/connection.ts';
export { KubeconfigError } from '#client/kubeconfig.ts';
export type { Informer, InformerScope, Lister } from '#client/lister.ts';
export { ConnectionError } from '#client/transport.ts';
export { WorkQueue } from '#client/work-queue.ts';
export { createInformers } from '#client/informer.ts';
export { NoRetryError } from '#controllers/runner/controller.ts';
export { isConditionTrue, withCondition } from './conditions.ts';
export { customResource, type CustomObject, type CustomResourceNames } from './custom-resource.ts';
export {
  controller,
  watch,
  type ControllerDefinition,
  type OperatorController,
  type Watch,
} from './define-controller.ts';
export {
  NotCachedError,
  runOperator,
  startOperator,
  type LeaderElection,
  type Operator,
  type OperatorOptions,
} from './operator.ts';
export { controllerReference, ownerReference, OwnerReferenceError } from './owner-references.ts';
export type { DesiredObject, ReconcileContext, ReconcileOutcome, StatusOf } from './reconcile-context.ts';
export {
  converting,
  defaulting,
  validating,
  type AdmissionDetails,
  type ServedWebhook,
  type Verdict,
} from './webhooks/served-webhook.ts';
export { servingCertificate } from './webhooks/serving-certificate.ts';
export {
  serveWebhooks,
  type WebhookAddress,
  type WebhookServer,
  type WebhookServing,
} from './webhooks/webhook-server.ts';
