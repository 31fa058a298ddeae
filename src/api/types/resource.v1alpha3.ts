// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface DeviceSelector {
  readonly cel?: CELDeviceSelector;
}

export interface CELDeviceSelector {
  readonly expression: string;
}

export interface DeviceTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: DeviceTaintEffect;
  readonly timeAdded?: string;
}

export type DeviceTaintEffect = 'None' | 'NoSchedule' | 'NoExecute';

export interface DeviceTaintRule {
  readonly apiVersion: 'resource.k8s.io/v1alpha3';
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
  readonly apiVersion: 'resource.k8s.io/v1alpha3';
  readonly kind: 'DeviceTaintRuleList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly DeviceTaintRule[];
}

export interface ResourcePoolStatusRequest {
  readonly apiVersion: 'resource.k8s.io/v1alpha3';
  readonly kind: 'ResourcePoolStatusRequest';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: ResourcePoolStatusRequestSpec;
  readonly status?: ResourcePoolStatusRequestStatus;
}

export interface ResourcePoolStatusRequestSpec {
  readonly driver: string;
  readonly poolName?: string;
  readonly limit?: number;
}

export interface ResourcePoolStatusRequestStatus {
  readonly poolCount?: number;
  readonly pools?: readonly PoolStatus[];
  readonly conditions?: readonly metaV1.Condition[];
}

export interface PoolStatus {
  readonly driver: string;
  readonly poolName: string;
  readonly generation: number;
  readonly resourceSliceCount?: number;
  readonly totalDevices?: number;
  readonly allocatedDevices?: number;
  readonly availableDevices?: number;
  readonly unavailableDevices?: number;
  readonly nodeName?: string;
  readonly validationError?: string;
}

export interface ResourcePoolStatusRequestList {
  readonly apiVersion: 'resource.k8s.io/v1alpha3';
  readonly kind: 'ResourcePoolStatusRequestList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ResourcePoolStatusRequest[];
}
