import { jsonEqual } from '#base/json-equal.ts';
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import type {
  Counter,
  Device,
  DeviceAttribute,
  ResourceSlice,
  ResourceSliceSpec,
} from '../types/resource.v1.ts';
import { checkNodeSelector } from './affinity-rules.ts';
import { checkCapacity } from './device-capacity-rules.ts';
import * as device from './device-rules.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';
import { checkCsiDriverName } from './volume-source-rules.ts';

const DEVICES_MAX = 128;
/** Devices that need more work to allocate come in smaller slices. */
const INVOLVED_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;
const COUNTERS_MAX = 32;
const CONSUMPTIONS_MAX = 2;
const ATTRIBUTES_AND_CAPACITIES_MAX = 32;
const ATTRIBUTE_VALUES_MAX = 48;
const ATTRIBUTE_TEXT_MAX = 64;

const NUMBER = String.raw`(?:0|[1-9]\d*)`;
const PRE_RELEASE = String.raw`(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const BUILD = '[0-9a-zA-Z-]+';
const VERSION_FORM = new RegExp(
  String.raw`^${NUMBER}\.${NUMBER}\.${NUMBER}(?:-${PRE_RELEASE}(?:\.${PRE_RELEASE})*)?(?:\+${BUILD}(?:\.${BUILD})*)?$`,
);

const UNSET_OR_TRUE = 'must be either unset or set to true';
const ONE_PLACE =
  'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const ONE_DEVICE_PLACE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

export const RESOURCE_SLICE_RULES: KindRules<ResourceSlice> = {
  onCreate(problems, { spec }) {
    checkSlice(problems, spec, undefined);
  },
  onUpdate(problems, next, previous) {
    checkSlice(problems, next.spec, previous.spec);
  },
};

function checkSlice(
  problems: Problems,
  spec: ResourceSliceSpec,
  previous: ResourceSliceSpec | undefined,
): void {
  const { driver, pool, devices, sharedCounters } = spec;
  checkCsiDriverName(problems, 'spec.driver', driver);
  device.checkPoolName(problems, 'spec.pool.name', pool.name);
  if (pool.resourceSliceCount <= 0) {
    problems.invalid('spec.pool.resourceSliceCount', pool.resourceSliceCount, 'must be greater than zero');
  }
  if (pool.generation < 0) {
    problems.invalid('spec.pool.generation', pool.generation, 'must be greater than or equal to zero');
  }
  if (previous !== undefined) {
    problems.immutable('spec.pool.name', pool.name, previous.pool.name);
    problems.immutable('spec.driver', driver, previous.driver);
    problems.immutable('spec.nodeName', spec.nodeName, previous.nodeName);
  }
  checkPlace(problems, spec);
  if (sharedCounters !== undefined && devices !== undefined) {
    problems.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  }
  const devicesMax = (devices ?? []).some(isInvolved) ? INVOLVED_DEVICES_MAX : DEVICES_MAX;
  const before = new Map((previous?.devices ?? []).map((each) => [each.name, each]));
  device.checkItems(problems, 'spec.devices', devices, devicesMax, (each, at) => {
    checkDevice(problems, at, each, before.get(each.name));
    checkDevicePlace(problems, at, each, spec.perDeviceNodeSelection === true);
    device.checkBindings(problems, at, each);
  });
  device.checkUnique(problems, 'spec.devices', devices, { max: devicesMax, keyOf: ({ name }) => name });
  device.checkItems(problems, 'spec.sharedCounters', sharedCounters, COUNTER_SETS_MAX, (set, at) => {
    problems.requiredName(`${at}.name`, set.name, dnsLabelProblems);
    checkCounters(problems, `${at}.counters`, set.counters);
  });
  device.checkUnique(problems, 'spec.sharedCounters', sharedCounters, {
    max: COUNTER_SETS_MAX,
    keyOf: ({ name }) => name,
  });
}

function isInvolved({ taints, consumesCounters, attributes }: Device): boolean {
  return (
    (taints ?? []).length > 0 ||
    (consumesCounters ?? []).length > 0 ||
    Object.values(attributes ?? {}).some((attribute) => listsOf(attribute).some((list) => list !== undefined))
  );
}

function listsOf({
  bools,
  ints,
  strings,
  versions,
}: DeviceAttribute): readonly (readonly unknown[] | undefined)[] {
  return [bools, ints, strings, versions];
}

/** Where a slice's devices can be used is said in one way. */
function checkPlace(problems: Problems, spec: ResourceSliceSpec): void {
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec;
  const ways: string[] = [];
  if (nodeName === '') {
    problems.invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string');
  } else if (nodeName !== undefined) {
    ways.push('`nodeName`');
    problems.names('spec.nodeName', nodeName, dnsSubdomainProblems(nodeName));
  }
  if (nodeSelector !== undefined) {
    ways.push('`nodeSelector`');
    checkNodeSelector(problems, 'spec.nodeSelector', nodeSelector);
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      problems.invalid(
        'spec.nodeSelector.nodeSelectorTerms',
        terms,
        'must have exactly one node selector term',
      );
    }
  }
  for (const [name, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === true) {
      ways.push(`\`${name}\``);
    } else if (value === false) {
      problems.invalid(`spec.${name}`, value, UNSET_OR_TRUE);
    }
  }
  if (ways.length === 0) {
    problems.required('spec', ONE_PLACE);
  } else if (ways.length > 1) {
    problems.invalid('spec', `{${ways.join(', ')}}`, `${ONE_PLACE}, but multiple fields are set`);
  }
}

function checkDevice(problems: Problems, path: string, each: Device, previous: Device | undefined): void {
  const { name, attributes = {}, capacity = {}, taints, consumesCounters } = each;
  problems.names(`${path}.name`, name, dnsLabelProblems(name));
  const total = Object.keys(attributes).length + Object.keys(capacity).length;
  if (total > ATTRIBUTES_AND_CAPACITIES_MAX) {
    problems.invalid(
      path,
      total,
      `the total number of attributes and capacities must not exceed ${ATTRIBUTES_AND_CAPACITIES_MAX}`,
    );
  }
  const values = Object.values(attributes).map((attribute) =>
    Math.max(
      1,
      listsOf(attribute).reduce((sum, list) => sum + (list?.length ?? 0), 0),
    ),
  );
  const valueCount = values.reduce((sum, count) => sum + count, 0);
  if (valueCount > ATTRIBUTE_VALUES_MAX) {
    problems.invalid(
      path,
      valueCount,
      `the total number of attribute values must not exceed ${ATTRIBUTE_VALUES_MAX}`,
    );
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    device.checkQualifiedName(problems, `${path}.attributes`, key);
    checkAttribute(problems, `${path}.attributes[${key}]`, attribute);
  }
  // What has been taken once is not looked at again.
  if (previous === undefined || !jsonEqual(previous.capacity, each.capacity)) {
    for (const [key, amount] of Object.entries(capacity)) {
      device.checkQualifiedName(problems, `${path}.capacity`, key);
      checkCapacity(problems, `${path}.capacity[${key}]`, amount, each.allowMultipleAllocations === true);
    }
  }
  if (previous === undefined || !jsonEqual(previous.taints, taints)) {
    device.checkDeviceTaints(problems, `${path}.taints`, taints);
  }
  const consumesPath = `${path}.consumesCounters`;
  device.checkItems(
    problems,
    consumesPath,
    consumesCounters,
    CONSUMPTIONS_MAX,
    ({ counterSet, counters }, at) => {
      problems.requiredName(`${at}.counterSet`, counterSet, dnsLabelProblems);
      checkCounters(problems, `${at}.counters`, counters);
    },
  );
  device.checkUnique(problems, consumesPath, consumesCounters, {
    max: CONSUMPTIONS_MAX,
    keyOf: ({ counterSet }) => counterSet,
  });
}

function checkCounters(
  problems: Problems,
  path: string,
  counters: Readonly<Record<string, Counter>> | undefined,
): void {
  const names = Object.keys(counters ?? {});
  if (names.length === 0) {
    problems.required(path);
  } else if (names.length > COUNTERS_MAX) {
    problems.tooMany(path, names.length, COUNTERS_MAX);
  } else {
    for (const name of names) {
      problems.names(path, name, dnsLabelProblems(name));
    }
  }
}

function checkAttribute(problems: Problems, path: string, attribute: DeviceAttribute): void {
  const { string, version, strings, versions } = attribute;
  checkText(problems, `${path}.string`, string);
  checkVersion(problems, `${path}.version`, version);
  for (const name of ['bools', 'ints', 'strings', 'versions'] as const) {
    if (attribute[name]?.length === 0) {
      problems.invalid(`${path}.${name}`, [], 'must not be empty if specified');
    }
  }
  for (const [index, item] of (strings ?? []).entries()) {
    checkText(problems, `${path}.strings[${index}]`, item);
  }
  for (const [index, item] of (versions ?? []).entries()) {
    checkVersion(problems, `${path}.versions[${index}]`, item);
  }
  const count = Object.values(attribute).filter((value) => value !== undefined).length;
  if (count !== 1) {
    problems.invalid(path, count === 0 ? '' : attribute, 'exactly one value must be specified');
  }
}

function checkText(problems: Problems, path: string, text: string | undefined): void {
  if (text !== undefined && Buffer.byteLength(text) > ATTRIBUTE_TEXT_MAX) {
    problems.tooLong(path, ATTRIBUTE_TEXT_MAX);
  }
}

function checkVersion(problems: Problems, path: string, version: string | undefined): void {
  if (version !== undefined && !VERSION_FORM.test(version)) {
    problems.invalid(path, version, 'must be a string compatible with semver.org spec 2.0.0');
  }
  checkText(problems, path, version);
}

function checkDevicePlace(problems: Problems, path: string, each: Device, isPerDevice: boolean): void {
  const { nodeName, nodeSelector, allNodes } = each;
  if (!isPerDevice) {
    if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined) {
      problems.invalid(
        path,
        null,
        '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      );
    }
    return;
  }
  const ways: string[] = [];
  if (nodeName === '') {
    problems.invalid(`${path}.nodeName`, nodeName, 'must not be empty');
  } else if (nodeName !== undefined) {
    ways.push('`nodeName`');
    problems.names(`${path}.nodeName`, nodeName, dnsSubdomainProblems(nodeName));
  }
  if (nodeSelector !== undefined) {
    ways.push('`nodeSelector`');
    checkNodeSelector(problems, `${path}.nodeSelector`, nodeSelector);
  }
  if (allNodes === true) {
    ways.push('`allNodes`');
  } else if (allNodes === false) {
    problems.invalid(`${path}.allNodes`, allNodes, UNSET_OR_TRUE);
  }
  if (ways.length === 0) {
    problems.required(path, ONE_DEVICE_PLACE);
  } else if (ways.length > 1) {
    problems.invalid(path, `{${ways.join(', ')}}`, ONE_DEVICE_PLACE);
  }
}
