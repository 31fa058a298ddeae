import { jsonEqual } from '#base/json-equal.ts';
import { dnsSubdomainProblems } from '../names.ts';
import type {
  DeviceClaim,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../types/resource.v1.ts';
import * as device from './device-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkTemplateMeta } from './object-meta.ts';
import type { Problems } from './problems.ts';
import { checkClaimStatus } from './resource-claim-status-rules.ts';
import { isExtended } from './resource-names.ts';
import { checkRequestName, checkRequestRefs, requestNames, REQUESTS_MAX } from './request-ref-rules.ts';

const ALTERNATIVES_MAX = 8;
const CONSTRAINTS_MAX = 32;

export const RESOURCE_CLAIM_RULES: KindRules<ResourceClaim> = {
  onCreate(problems, { spec }) {
    checkClaim(problems, 'spec.devices', spec.devices);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec', next.spec, previous.spec);
  },
  onStatusUpdate: checkClaimStatus,
};

export const RESOURCE_CLAIM_TEMPLATE_RULES: KindRules<ResourceClaimTemplate> = {
  onCreate(problems, { spec }) {
    checkTemplateMeta(problems, 'spec.metadata', spec.metadata);
    checkClaim(problems, 'spec.spec.devices', spec.spec.devices);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec', next.spec, previous.spec);
  },
};

export const DEVICE_CLASS_RULES: KindRules<DeviceClass> = {
  onCreate(problems, deviceClass) {
    checkClass(problems, deviceClass, undefined);
  },
  onUpdate(problems, next, previous) {
    checkClass(problems, next, previous);
  },
};

function checkClass(problems: Problems, { spec }: DeviceClass, previous: DeviceClass | undefined): void {
  const { selectors, config, extendedResourceName } = spec;
  const areStored = previous !== undefined && jsonEqual(selectors, previous.spec.selectors);
  device.checkSelectors(problems, 'spec.selectors', selectors, areStored);
  const isStored = previous !== undefined && jsonEqual(config, previous.spec.config);
  device.checkItems(problems, 'spec.config', config, device.CONFIGS_MAX, (item, at) =>
    device.checkConfiguration(problems, at, item, isStored),
  );
  if (extendedResourceName !== undefined && !isExtended(extendedResourceName)) {
    problems.invalid(
      'spec.extendedResourceName',
      extendedResourceName,
      'must be a valid extended resource name',
    );
  }
}

function checkClaim(problems: Problems, path: string, { requests, constraints, config }: DeviceClaim): void {
  const names = requestNames(requests);
  device.checkItems(problems, `${path}.requests`, requests, REQUESTS_MAX, (request, at) =>
    checkRequest(problems, at, request),
  );
  device.checkUnique(problems, `${path}.requests`, requests, {
    max: REQUESTS_MAX,
    keyOf: ({ name }) => name,
  });
  device.checkItems(problems, `${path}.constraints`, constraints, CONSTRAINTS_MAX, (constraint, at) => {
    checkRequestRefs(problems, `${at}.requests`, constraint.requests, names);
    checkConstraint(problems, at, constraint);
  });
  device.checkItems(problems, `${path}.config`, config, device.CONFIGS_MAX, (item, at) => {
    checkRequestRefs(problems, `${at}.requests`, item.requests, names);
    device.checkConfiguration(problems, at, item, false);
  });
}

function checkRequest(
  problems: Problems,
  path: string,
  { name, exactly, firstAvailable }: DeviceRequest,
): void {
  checkRequestName(problems, `${path}.name`, name);
  const hasFirst = firstAvailable !== undefined && firstAvailable.length > 0;
  if (exactly === undefined && !hasFirst) {
    problems.required(path, 'exactly one of `exactly` or `firstAvailable` is required');
  } else if (exactly !== undefined && hasFirst) {
    problems.invalid(
      path,
      null,
      'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
    );
  } else if (exactly !== undefined) {
    checkExactly(problems, `${path}.exactly`, exactly);
  } else {
    const at = `${path}.firstAvailable`;
    device.checkItems(problems, at, firstAvailable, ALTERNATIVES_MAX, (alternative, atEach) => {
      checkRequestName(problems, `${atEach}.name`, alternative.name);
      checkExactly(problems, atEach, alternative);
    });
    device.checkUnique(problems, at, firstAvailable, { max: ALTERNATIVES_MAX, keyOf: (each) => each.name });
  }
}

function checkExactly(problems: Problems, path: string, request: ExactDeviceRequest): void {
  const { deviceClassName, selectors, allocationMode = '', count = 0, tolerations } = request;
  problems.requiredName(`${path}.deviceClassName`, deviceClassName, dnsSubdomainProblems);
  device.checkSelectors(problems, `${path}.selectors`, selectors, false);
  if (allocationMode === 'All') {
    if (count !== 0) {
      problems.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
    }
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) {
      problems.invalid(`${path}.count`, count, 'must be greater than zero');
    }
  } else {
    problems.notOneOf(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount']);
  }
  device.checkDeviceTolerations(problems, `${path}.tolerations`, tolerations);
}

function checkConstraint(
  problems: Problems,
  path: string,
  { matchAttribute, distinctAttribute }: DeviceConstraint,
): void {
  if (matchAttribute !== undefined) {
    device.checkFullName(problems, `${path}.matchAttribute`, matchAttribute);
  } else if (distinctAttribute !== undefined) {
    device.checkFullName(problems, `${path}.distinctAttribute`, distinctAttribute);
  } else {
    // The sentence is upstream's, though nothing is set here.
    problems.required(
      path,
      'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
    );
  }
}
