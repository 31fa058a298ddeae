import { isIP } from 'node:net';
import {
  type NameProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  configKeyProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type { ConfigMapNodeConfigSource, Node, NodeConfigSource, Taint } from '../types/core.v1.ts';
import { TAINT_EFFECTS } from './affinity-rules.ts';
import { checkCidr } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';
import { checkAmount } from './resource-rules.ts';

export const NODE_RULES: KindRules<Node> = {
  onCreate(problems, node) {
    checkTaints(problems, node.spec.taints);
    checkAmounts(problems, node);
    checkRanges(problems, node.spec.podCIDRs ?? []);
  },
  onUpdate(problems, next, previous) {
    checkAmounts(problems, next);
    const seen = new Set<string>();
    for (const [index, address] of (next.status.addresses ?? []).entries()) {
      const key = `${address.type} ${address.address}`;
      if (seen.has(key)) {
        problems.duplicate(`status.addresses[${index}]`, address);
      }
      seen.add(key);
    }
    checkAssigned(problems, next, previous);
    if (next.spec.configSource !== undefined) {
      checkConfigSource(problems, 'spec.configSource', next.spec.configSource, true);
    }
    for (const field of ['assigned', 'active', 'lastKnownGood'] as const) {
      const source = next.status.config?.[field];
      if (source !== undefined) {
        checkConfigSource(problems, `status.config.${field}`, source, false);
      }
    }
    checkTaints(problems, next.spec.taints);
  },
  onStatusUpdate(problems, next, previous) {
    NODE_RULES.onUpdate?.(problems, next, previous);
  },
};

/** Ranges and identity of a node are given to it once. */
function checkAssigned(problems: Problems, next: Node, previous: Node): void {
  const before = previous.spec.podCIDRs ?? [];
  const after = next.spec.podCIDRs ?? [];
  const why = 'node updates may not change podCIDR except from "" to valid';
  if (before.length > 0) {
    if (before.length !== after.length) {
      problems.forbidden('spec.podCIDRs', why);
    } else {
      before
        .filter((range, index) => range !== after[index])
        .forEach(() => problems.forbidden('spec.podCIDRs', why));
    }
  }
  if ((previous.spec.providerID ?? '') !== '' && previous.spec.providerID !== next.spec.providerID) {
    problems.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
  if ((previous.spec.externalID ?? '') !== (next.spec.externalID ?? '')) {
    problems.forbidden('spec.externalID', 'may not be updated');
  }
}

function checkAmounts(problems: Problems, { status }: Node): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status[field] ?? {})) {
      checkAmount(problems, `status.${field}.${name}`, { name, amount });
    }
  }
}

function checkRanges(problems: Problems, ranges: readonly string[]): void {
  for (const [index, range] of ranges.entries()) {
    checkCidr(problems, `spec.podCIDRs[${index}]`, range);
  }
  if (ranges.length < 2) {
    return;
  }
  const families = new Set(ranges.map((range) => isIP(range.split('/')[0] ?? '')));
  if (families.size < 2 || ranges.length > 2) {
    problems.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family');
  }
  for (const [index, range] of ranges.entries()) {
    if (ranges.indexOf(range) < index) {
      problems.duplicate(`spec.podCIDRs[${index}]`, range);
    }
  }
}

/** Upstream's path leads through the metadata, where taints once were. */
function checkTaints(problems: Problems, taints: readonly Taint[] | undefined): void {
  const seen = new Set<string>();
  for (const [index, taint] of (taints ?? []).entries()) {
    const at = `metadata.taints[${index}]`;
    const { key, value = '', effect } = taint;
    problems.names(`${at}.key`, key, qualifiedNameProblems(key));
    const wrong = labelValueProblems(value);
    if (wrong.length > 0) {
      problems.invalid(`${at}.value`, value, wrong.join(';'));
    }
    problems.requiredOneOf(`${at}.effect`, effect, TAINT_EFFECTS);
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      problems.duplicate(at, taint, 'taints must be unique by key and effect pair');
    }
    seen.add(pair);
  }
}

/** Where a kubelet once took its configuration from; nobody reads it any more. */
function checkConfigSource(
  problems: Problems,
  path: string,
  source: NodeConfigSource,
  isWanted: boolean,
): void {
  const { configMap } = source;
  if (configMap === undefined) {
    problems.invalid(path, source, 'exactly one reference subfield must be non-nil');
    return;
  }
  const at = `${path}.configMap`;
  for (const field of ['uid', 'resourceVersion'] as const) {
    const isSet = (configMap[field] ?? '') !== '';
    if (isWanted && isSet) {
      problems.forbidden(`${at}.${field}`, `${field} must not be set in spec`);
    } else if (!isWanted && !isSet) {
      problems.required(`${at}.${field}`, `${field} must be set in status`);
    }
  }
  checkConfigMap(problems, at, configMap);
}

function checkConfigMap(problems: Problems, at: string, source: ConfigMapNodeConfigSource): void {
  const rules: Readonly<Record<string, readonly [string, (name: string) => NameProblems]>> = {
    namespace: [source.namespace, dnsLabelProblems],
    name: [source.name, dnsSubdomainProblems],
    kubeletConfigKey: [source.kubeletConfigKey, configKeyProblems],
  };
  for (const [field, [value, rule]] of Object.entries(rules)) {
    if (value === '') {
      problems.required(`${at}.${field}`, `${field} must be set`);
    } else {
      problems.names(`${at}.${field}`, value, rule(value));
    }
  }
}
