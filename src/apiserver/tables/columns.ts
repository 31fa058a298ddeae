import type { GroupVersionResource } from '#api/resource-type.ts';
import * as admission from './printers/admission.ts';
import * as cluster from './printers/cluster.ts';
import * as network from './printers/network.ts';
import { POD_PRINTER } from './printers/pods.ts';
import { AGE, printer } from './printers/printer.ts';
import * as storage from './printers/storage.ts';
import * as workloads from './printers/workloads.ts';
import type { TablePrinter } from './table.ts';

const DEFAULT_PRINTER: TablePrinter = printer([AGE]);

const PRINTERS: ReadonlyMap<string, TablePrinter> = new Map([
  ['pods', POD_PRINTER],
  ['podtemplates', workloads.POD_TEMPLATE_PRINTER],
  ['replicationcontrollers', workloads.REPLICATION_CONTROLLER_PRINTER],
  ['deployments.apps', workloads.DEPLOYMENT_PRINTER],
  ['replicasets.apps', workloads.REPLICA_SET_PRINTER],
  ['statefulsets.apps', workloads.STATEFUL_SET_PRINTER],
  ['daemonsets.apps', workloads.DAEMON_SET_PRINTER],
  ['controllerrevisions.apps', workloads.CONTROLLER_REVISION_PRINTER],
  ['jobs.batch', workloads.JOB_PRINTER],
  ['cronjobs.batch', workloads.CRON_JOB_PRINTER],
  ['horizontalpodautoscalers.autoscaling', workloads.AUTOSCALER_PRINTER],
  ['poddisruptionbudgets.policy', workloads.DISRUPTION_BUDGET_PRINTER],
  ['services', network.SERVICE_PRINTER],
  ['endpoints', network.ENDPOINTS_PRINTER],
  ['endpointslices.discovery.k8s.io', network.ENDPOINT_SLICE_PRINTER],
  ['ingresses.networking.k8s.io', network.INGRESS_PRINTER],
  ['ingressclasses.networking.k8s.io', network.INGRESS_CLASS_PRINTER],
  ['networkpolicies.networking.k8s.io', network.NETWORK_POLICY_PRINTER],
  ['ipaddresses.networking.k8s.io', network.IP_ADDRESS_PRINTER],
  ['servicecidrs.networking.k8s.io', network.SERVICE_CIDR_PRINTER],
  ['namespaces', cluster.NAMESPACE_PRINTER],
  ['nodes', cluster.NODE_PRINTER],
  ['configmaps', cluster.CONFIG_MAP_PRINTER],
  ['secrets', cluster.SECRET_PRINTER],
  ['serviceaccounts', cluster.SERVICE_ACCOUNT_PRINTER],
  ['events', cluster.EVENT_PRINTER],
  ['resourcequotas', cluster.RESOURCE_QUOTA_PRINTER],
  ['limitranges', cluster.LIMIT_RANGE_PRINTER],
  ['componentstatuses', cluster.COMPONENT_STATUS_PRINTER],
  ['roles.rbac.authorization.k8s.io', cluster.ROLE_PRINTER],
  ['clusterroles.rbac.authorization.k8s.io', cluster.CLUSTER_ROLE_PRINTER],
  ['rolebindings.rbac.authorization.k8s.io', cluster.ROLE_BINDING_PRINTER],
  ['clusterrolebindings.rbac.authorization.k8s.io', cluster.ROLE_BINDING_PRINTER],
  ['leases.coordination.k8s.io', cluster.LEASE_PRINTER],
  ['priorityclasses.scheduling.k8s.io', cluster.PRIORITY_CLASS_PRINTER],
  ['runtimeclasses.node.k8s.io', cluster.RUNTIME_CLASS_PRINTER],
  ['certificatesigningrequests.certificates.k8s.io', cluster.SIGNING_REQUEST_PRINTER],
  ['customresourcedefinitions.apiextensions.k8s.io', cluster.CRD_PRINTER],
  ['apiservices.apiregistration.k8s.io', cluster.API_SERVICE_PRINTER],
  ['mutatingwebhookconfigurations.admissionregistration.k8s.io', admission.WEBHOOKS_PRINTER],
  ['validatingwebhookconfigurations.admissionregistration.k8s.io', admission.WEBHOOKS_PRINTER],
  ['mutatingadmissionpolicies.admissionregistration.k8s.io', admission.MUTATING_POLICY_PRINTER],
  ['mutatingadmissionpolicybindings.admissionregistration.k8s.io', admission.POLICY_BINDING_PRINTER],
  ['validatingadmissionpolicies.admissionregistration.k8s.io', admission.VALIDATING_POLICY_PRINTER],
  ['validatingadmissionpolicybindings.admissionregistration.k8s.io', admission.POLICY_BINDING_PRINTER],
  ['flowschemas.flowcontrol.apiserver.k8s.io', cluster.FLOW_SCHEMA_PRINTER],
  ['prioritylevelconfigurations.flowcontrol.apiserver.k8s.io', cluster.PRIORITY_LEVEL_PRINTER],
  ['persistentvolumes', storage.VOLUME_PRINTER],
  ['persistentvolumeclaims', storage.CLAIM_PRINTER],
  ['storageclasses.storage.k8s.io', storage.STORAGE_CLASS_PRINTER],
  ['csidrivers.storage.k8s.io', storage.CSI_DRIVER_PRINTER],
  ['csinodes.storage.k8s.io', storage.CSI_NODE_PRINTER],
  ['volumeattachments.storage.k8s.io', storage.ATTACHMENT_PRINTER],
  ['volumeattributesclasses.storage.k8s.io', storage.ATTRIBUTES_CLASS_PRINTER],
]);

/** The columns of a resource; name and age for those without any of their own. */
export function columnsOf({ group, resource }: GroupVersionResource): TablePrinter {
  return PRINTERS.get(group === '' ? resource : `${resource}.${group}`) ?? DEFAULT_PRINTER;
}
