import { isNotFound } from '#api/status-error.ts';
import { formatQuantity, parseQuantity } from '#api/quantity.ts';
import { listObjects } from '../find-objects.ts';
import {
  type AnyObject,
  asObject,
  compareText,
  listAt,
  recordAt,
  sortedEntries,
  textAt,
  valueAt,
} from '../object-access.ts';
import type { DescribeContext } from './describe-context.ts';
import { writeEvents } from './events.ts';
import { ageText, timeText, writeAnnotations, writeLabels, writeMultiline } from './format.ts';

const ROLE_LABEL = 'node-role.kubernetes.io/';

export async function describeNode(context: DescribeContext): Promise<void> {
  const { object: node, writer } = context;
  writer.field(0, 'Name', node.metadata.name);
  const roles = Object.keys(node.metadata.labels ?? {})
    .filter((key) => key.startsWith(ROLE_LABEL))
    .map((key) => key.slice(ROLE_LABEL.length))
    .toSorted(compareText);
  writer.field(0, 'Roles', roles.length === 0 ? '<none>' : roles.join(','));
  writeLabels(writer, 'Labels', node.metadata.labels);
  writeAnnotations(writer, node.metadata.annotations);
  writer.field(0, 'CreationTimestamp', timeText(textAt(node, 'metadata', 'creationTimestamp')));
  writeMultiline(writer, 'Taints', taintTexts(node));
  writer.field(0, 'Unschedulable', String(valueAt(node, 'spec', 'unschedulable') === true));
  await writeLease(context);
  writeState(context);
  writeSystemInfo(context);
  await writePods(context);
  await writeEvents(context);
}

function taintTexts(node: AnyObject): readonly string[] {
  return listAt(node, 'spec', 'taints')
    .map((taint) => {
      const value = textAt(taint, 'value');
      return `${textAt(taint, 'key')}${value === '' ? '' : `=${value}`}:${textAt(taint, 'effect')}`;
    })
    .toSorted(compareText);
}

async function writeLease({ session, object: node, writer }: DescribeContext): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.metadata.name}`;
  let lease: AnyObject | undefined;
  try {
    lease = asObject(await session.client.request({ path }));
  } catch (error) {
    if (!isNotFound(error)) {
      throw error;
    }
  }
  writer.line(0, 'Lease:');
  const time = (field: string): string => {
    const text = textAt(lease, 'spec', field);
    return text === '' ? '<unset>' : timeText(text);
  };
  writer.field(1, 'HolderIdentity', textAt(lease, 'spec', 'holderIdentity') || '<unset>');
  writer.field(1, 'AcquireTime', time('acquireTime'));
  writer.field(1, 'RenewTime', time('renewTime'));
}

function writeState({ object: node, writer }: DescribeContext): void {
  const conditions = listAt(node, 'status', 'conditions');
  if (conditions.length > 0) {
    writer.write(
      0,
      'Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n  ----\t------\t-----------------\t------------------\t------\t-------\n',
    );
    for (const each of conditions) {
      const times = ['lastHeartbeatTime', 'lastTransitionTime'].map((field) => timeText(textAt(each, field)));
      writer.line(
        1,
        `${textAt(each, 'type')} \t${textAt(each, 'status')} \t${times.join(' \t')} \t${textAt(each, 'reason')} \t${textAt(each, 'message')}`,
      );
    }
  }
  writer.line(0, 'Addresses:');
  for (const address of listAt(node, 'status', 'addresses')) {
    writer.field(1, textAt(address, 'type'), textAt(address, 'address'));
  }
  for (const [title, field] of [
    ['Capacity', 'capacity'],
    ['Allocatable', 'allocatable'],
  ] as const) {
    writer.line(0, `${title}:`);
    for (const [name, amount] of sortedEntries(valueAt(node, 'status', field))) {
      writer.field(1, name, String(amount));
    }
  }
}

function writeSystemInfo({ object: node, writer }: DescribeContext): void {
  writer.line(0, 'System Info:');
  for (const [title, field] of [
    ['Machine ID', 'machineID'],
    ['System UUID', 'systemUUID'],
    ['Boot ID', 'bootID'],
    ['Kernel Version', 'kernelVersion'],
    ['OS Image', 'osImage'],
    ['Operating System', 'operatingSystem'],
    ['Architecture', 'architecture'],
    ['Container Runtime Version', 'containerRuntimeVersion'],
    ['Kubelet Version', 'kubeletVersion'],
  ] as const) {
    writer.field(1, title, textAt(node, 'status', 'nodeInfo', field));
  }
  const ranges = listAt(node, 'spec', 'podCIDRs');
  if (textAt(node, 'spec', 'podCIDR') !== '') {
    writer.field(0, 'PodCIDR', textAt(node, 'spec', 'podCIDR'));
  }
  if (ranges.length > 0) {
    writer.field(0, 'PodCIDRs', ranges.map(String).join(','));
  }
  if (textAt(node, 'spec', 'providerID') !== '') {
    writer.field(0, 'ProviderID', textAt(node, 'spec', 'providerID'));
  }
}

/** Requests and limits by resource, in billionths. */
type Amounts = ReadonlyMap<string, bigint>;

async function writePods({ session, object: node, writer, nowMs }: DescribeContext): Promise<void> {
  const found = await listObjects(session, await session.resource('pods'), '', {
    fieldSelector: `spec.nodeName=${node.metadata.name},status.phase!=Succeeded,status.phase!=Failed`,
  });
  const pods = found.map(({ object }) => object);
  const allocatable = recordAt(node, 'status', 'allocatable');
  writer.line(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  writer.line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge');
  writer.line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---');
  const share = (amounts: Amounts, name: string): string =>
    amountText(name, amounts.get(name) ?? 0n, textAt(allocatable, name));
  const totals = { requests: new Map<string, bigint>(), limits: new Map<string, bigint>() };
  for (const pod of pods) {
    const [requests, limits] = [podAmounts(pod, 'requests'), podAmounts(pod, 'limits')];
    addTo(totals.requests, requests);
    addTo(totals.limits, limits);
    const cells = [
      share(requests, 'cpu'),
      share(limits, 'cpu'),
      share(requests, 'memory'),
      share(limits, 'memory'),
    ];
    const age = ageText(textAt(pod, 'metadata', 'creationTimestamp'), nowMs);
    writer.line(1, [textAt(pod, 'metadata', 'namespace'), pod.metadata.name, '', ...cells, age].join('\t'));
  }
  writer.write(
    0,
    'Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n  Resource\tRequests\tLimits\n  --------\t--------\t------\n',
  );
  const extended = Object.keys(allocatable)
    .filter((name) => !['cpu', 'memory', 'ephemeral-storage', 'pods'].includes(name))
    .toSorted(compareText);
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...extended]) {
    const isPlain = !['cpu', 'memory', 'ephemeral-storage'].includes(name) && !name.startsWith('hugepages-');
    const cell = (amounts: Amounts): string =>
      isPlain ? quantityText(name, amounts.get(name) ?? 0n) : share(amounts, name);
    writer.line(1, `${name}\t${cell(totals.requests)}\t${cell(totals.limits)}`);
  }
}

function addTo(totals: Map<string, bigint>, amounts: Amounts): void {
  for (const [name, nanos] of amounts) {
    totals.set(name, (totals.get(name) ?? 0n) + nanos);
  }
}

/** The sum of the containers, or the largest init container where that is more, and the pod's overhead. */
function podAmounts(pod: AnyObject, kind: 'requests' | 'limits'): Amounts {
  const total = new Map<string, bigint>();
  for (const container of listAt(pod, 'spec', 'containers')) {
    addTo(total, amountsOf(valueAt(container, 'resources', kind)));
  }
  for (const container of listAt(pod, 'spec', 'initContainers')) {
    const amounts = amountsOf(valueAt(container, 'resources', kind));
    if (textAt(container, 'restartPolicy') === 'Always') {
      addTo(total, amounts);
      continue;
    }
    for (const [name, nanos] of amounts) {
      total.set(name, nanos > (total.get(name) ?? 0n) ? nanos : (total.get(name) ?? 0n));
    }
  }
  const overhead = amountsOf(valueAt(pod, 'spec', 'overhead'));
  for (const [name, nanos] of overhead) {
    const before = total.get(name);
    if (kind === 'requests' || (before !== undefined && before > 0n)) {
      total.set(name, (before ?? 0n) + nanos);
    }
  }
  return total;
}

function amountsOf(list: unknown): Amounts {
  return new Map(sortedEntries(list).map(([name, text]) => [name, parseQuantity(String(text)).nanos]));
}

function amountText(name: string, nanos: bigint, allocatable: string): string {
  const whole = allocatable === '' ? 0n : parseQuantity(allocatable).nanos;
  const percent = whole === 0n ? 0n : (nanos * 100n) / whole;
  return `${quantityText(name, nanos)} (${percent}%)`;
}

function quantityText(name: string, nanos: bigint): string {
  const isBytes = name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-');
  return formatQuantity({ nanos, format: isBytes ? 'BinarySI' : 'DecimalSI' });
}
