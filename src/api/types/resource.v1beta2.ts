// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface ResourceSlice {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'ResourceSlice';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: ResourceSliceSpec;
}

export interface ResourceSliceSpec {
  readonly driver: string;
  readonly pool: ResourcePool;
  readonly nodeName?: string;
  readonly nodeSelector?: coreV1.NodeSelector;
  readonly allNodes?: boolean;
  readonly devices?: readonly Device[];
  readonly perDeviceNodeSelection?: boolean;
  readonly sharedCounters?: readonly CounterSet[];
}

export interface CounterSet {
  readonly name: string;
  readonly counters: { readonly [key: string]: Counter };
}

export interface ResourcePool {
  readonly name: string;
  readonly generation: number;
  readonly resourceSliceCount: number;
}

export interface Device {
  readonly name: string;
  readonly attributes?: { readonly [key: string]: DeviceAttribute };
  readonly capacity?: { readonly [key: string]: DeviceCapacity };
  readonly consumesCounters?: readonly DeviceCounterConsumption[];
  readonly nodeName?: string;
  readonly nodeSelector?: coreV1.NodeSelector;
  readonly allNodes?: boolean;
  readonly taints?: readonly DeviceTaint[];
  readonly bindsToNode?: boolean;
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
  readonly allowMultipleAllocations?: boolean;
  readonly nodeAllocatableResourceMappings?: { readonly [key: string]: NodeAllocatableResourceMapping };
}

export interface NodeAllocatableResourceMapping {
  readonly capacityKey?: QualifiedName;
  readonly allocationMultiplier?: string;
}

export interface DeviceCounterConsumption {
  readonly counterSet: string;
  readonly counters: { readonly [key: string]: Counter };
}

export interface DeviceCapacity {
  readonly value: string;
  readonly requestPolicy?: CapacityRequestPolicy;
}

export interface Counter {
  readonly value: string;
}

export interface CapacityRequestPolicy {
  readonly default?: string;
  readonly validValues?: readonly string[];
  readonly validRange?: CapacityRequestPolicyRange;
}

export interface CapacityRequestPolicyRange {
  readonly min?: string;
  readonly max?: string;
  readonly step?: string;
}

export type QualifiedName = string;

export type FullyQualifiedName = string;

export interface DeviceAttribute {
  readonly int?: number;
  readonly bool?: boolean;
  readonly string?: string;
  readonly version?: string;
  readonly ints?: readonly number[];
  readonly bools?: readonly boolean[];
  readonly strings?: readonly string[];
  readonly versions?: readonly string[];
}

export interface DeviceTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: DeviceTaintEffect;
  readonly timeAdded?: string;
}

export type DeviceTaintEffect = 'None' | 'NoSchedule' | 'NoExecute';

export interface DeviceTaintRule {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'DeviceTaintRule';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: DeviceTaintRuleSpec;
  readonly status: DeviceTaintRuleStatus;
}

export interface DeviceTaintRuleSpec {
  readonly deviceSelector?: DeviceTaintSelector;
  readonly taint: DeviceTaint;
}

export interface DeviceTaintSelector {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
}

export interface DeviceTaintRuleStatus {
  readonly conditions?: readonly metaV1.Condition[];
}

export interface DeviceTaintRuleList {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'DeviceTaintRuleList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly DeviceTaintRule[];
}

export interface ResourceSliceList {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'ResourceSliceList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ResourceSlice[];
}

export interface ResourceClaim {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'ResourceClaim';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: ResourceClaimSpec;
  readonly status: ResourceClaimStatus;
}

export interface ResourceClaimSpec {
  readonly devices: DeviceClaim;
}

export interface DeviceClaim {
  readonly requests?: readonly DeviceRequest[] | null;
  readonly constraints?: readonly DeviceConstraint[];
  readonly config?: readonly DeviceClaimConfiguration[];
}

export interface DeviceRequest {
  readonly name: string;
  readonly exactly?: ExactDeviceRequest;
  readonly firstAvailable?: readonly DeviceSubRequest[];
}

export interface ExactDeviceRequest {
  readonly deviceClassName: string;
  readonly selectors?: readonly DeviceSelector[];
  readonly allocationMode?: DeviceAllocationMode;
  readonly count?: number;
  readonly adminAccess?: boolean;
  readonly tolerations?: readonly DeviceToleration[];
  readonly capacity?: CapacityRequirements;
}

export interface DeviceSubRequest {
  readonly name: string;
  readonly deviceClassName: string;
  readonly selectors?: readonly DeviceSelector[];
  readonly allocationMode?: DeviceAllocationMode;
  readonly count?: number;
  readonly tolerations?: readonly DeviceToleration[];
  readonly capacity?: CapacityRequirements;
}

export interface CapacityRequirements {
  readonly requests?: { readonly [key: string]: string };
}

export type DeviceAllocationMode = string;

export interface DeviceSelector {
  readonly cel?: CELDeviceSelector;
}

export interface CELDeviceSelector {
  readonly expression: string;
}

export interface DeviceConstraint {
  readonly requests?: readonly string[];
  readonly matchAttribute?: FullyQualifiedName;
  readonly distinctAttribute?: FullyQualifiedName;
}

export interface DeviceClaimConfiguration {
  readonly requests?: readonly string[];
  readonly opaque?: OpaqueDeviceConfiguration;
}

export interface DeviceConfiguration {
  readonly opaque?: OpaqueDeviceConfiguration;
}

export interface OpaqueDeviceConfiguration {
  readonly driver: string;
  readonly parameters: { readonly [key: string]: unknown };
}

export interface DeviceToleration {
  readonly key?: string;
  readonly operator?: DeviceTolerationOperator;
  readonly value?: string;
  readonly effect?: DeviceTaintEffect;
  readonly tolerationSeconds?: number;
}

export type DeviceTolerationOperator = 'Exists' | 'Equal';

export interface ResourceClaimStatus {
  readonly allocation?: AllocationResult;
  readonly reservedFor?: readonly ResourceClaimConsumerReference[];
  readonly devices?: readonly AllocatedDeviceStatus[];
}

export interface ResourceClaimConsumerReference {
  readonly apiGroup?: string;
  readonly resource: string;
  readonly name: string;
  readonly uid: string;
}

export interface AllocationResult {
  readonly devices: DeviceAllocationResult;
  readonly nodeSelector?: coreV1.NodeSelector;
  readonly allocationTimestamp?: string;
}

export interface DeviceAllocationResult {
  readonly results?: readonly DeviceRequestAllocationResult[];
  readonly config?: readonly DeviceAllocationConfiguration[];
}

export interface DeviceRequestAllocationResult {
  readonly request: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly adminAccess?: boolean;
  readonly tolerations?: readonly DeviceToleration[];
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
  readonly shareID?: string;
  readonly consumedCapacity?: { readonly [key: string]: string };
}

export interface DeviceAllocationConfiguration {
  readonly source: AllocationConfigSource;
  readonly requests?: readonly string[];
  readonly opaque?: OpaqueDeviceConfiguration;
}

export type AllocationConfigSource = 'FromClass' | 'FromClaim';

export interface ResourceClaimList {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'ResourceClaimList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ResourceClaim[];
}

export interface DeviceClass {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'DeviceClass';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: DeviceClassSpec;
}

export interface DeviceClassSpec {
  readonly selectors?: readonly DeviceSelector[];
  readonly config?: readonly DeviceClassConfiguration[];
  readonly extendedResourceName?: string;
}

export interface DeviceClassConfiguration {
  readonly opaque?: OpaqueDeviceConfiguration;
}

export interface DeviceClassList {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'DeviceClassList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly DeviceClass[];
}

export interface ResourceClaimTemplate {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'ResourceClaimTemplate';
  readonly metadata: Partial<metaV1.ObjectMeta>;
  readonly spec: ResourceClaimTemplateSpec;
}

export interface ResourceClaimTemplateSpec {
  readonly metadata: Partial<metaV1.ObjectMeta>;
  readonly spec: ResourceClaimSpec;
}

export interface ResourceClaimTemplateList {
  readonly apiVersion: 'resource.k8s.io/v1beta2';
  readonly kind: 'ResourceClaimTemplateList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ResourceClaimTemplate[];
}

export interface AllocatedDeviceStatus {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
  readonly conditions?: readonly metaV1.Condition[] | null;
  readonly data?: { readonly [key: string]: unknown };
  readonly networkData?: NetworkDeviceData;
}

export interface NetworkDeviceData {
  readonly interfaceName?: string;
  readonly ips?: readonly string[];
  readonly hardwareAddress?: string;
}
