import { listAt, recordAt, textAt, valueAt } from '../object-access.ts';
import { writeContainers } from './containers.ts';
import type { DescribeContext } from './describe-context.ts';
import { writeEvents } from './events.ts';
import {
  durationText,
  timeText,
  writeAnnotations,
  writeController,
  writeLabels,
  writeTolerations,
} from './format.ts';
import { writeSpreadConstraints } from './pod-template.ts';
import { writeVolumes } from './volumes.ts';

export async function describePod(context: DescribeContext): Promise<void> {
  const { object: pod, writer, nowMs } = context;
  const [spec, status] = [recordAt(pod, 'spec'), recordAt(pod, 'status')];
  writer.field(0, 'Name', pod.metadata.name);
  writer.field(0, 'Namespace', textAt(pod, 'metadata', 'namespace'));
  for (const [name, field] of [
    ['Priority', 'priority'],
    ['Priority Class Name', 'priorityClassName'],
    ['Runtime Class Name', 'runtimeClassName'],
    ['Service Account', 'serviceAccountName'],
  ] as const) {
    if (textAt(spec, field) !== '') {
      writer.field(0, name, textAt(spec, field));
    }
  }
  const node = textAt(spec, 'nodeName');
  writer.field(0, 'Node', node === '' ? '<none>' : `${node}/${textAt(status, 'hostIP')}`);
  if (textAt(status, 'startTime') !== '') {
    writer.field(0, 'Start Time', timeText(textAt(status, 'startTime')));
  }
  writeLabels(writer, 'Labels', pod.metadata.labels);
  writeAnnotations(writer, pod.metadata.annotations);
  const deletedAt = textAt(pod, 'metadata', 'deletionTimestamp');
  if (deletedAt !== '' && textAt(status, 'reason') !== 'NodeLost') {
    writer.field(0, 'Status', `Terminating (lasts ${durationText(nowMs - Date.parse(deletedAt))})`);
    writer.field(0, 'Termination Grace Period', `${textAt(pod, 'metadata', 'deletionGracePeriodSeconds')}s`);
  } else {
    writer.field(0, 'Status', textAt(status, 'phase'));
  }
  for (const [name, field] of [
    ['Reason', 'reason'],
    ['Message', 'message'],
  ] as const) {
    if (textAt(status, field) !== '') {
      writer.field(0, name, textAt(status, field));
    }
  }
  const seccomp = textAt(spec, 'securityContext', 'seccompProfile', 'type');
  if (seccomp !== '') {
    writer.field(0, 'SeccompProfile', seccomp);
  }
  writeAddresses(context);
  writeController(writer, pod);
  if (textAt(status, 'nominatedNodeName') !== '') {
    writer.field(0, 'NominatedNodeName', textAt(status, 'nominatedNodeName'));
  }
  writePodContainers(context);
  writeConditions(context);
  writeVolumes(writer, listAt(spec, 'volumes'));
  writer.field(0, 'QoS Class', textAt(status, 'qosClass'));
  writeLabels(writer, 'Node-Selectors', spec['nodeSelector']);
  writeTolerations(writer, spec['tolerations']);
  writeSpreadConstraints(writer, spec);
  await writeEvents(context);
}

function writeAddresses({ object: pod, writer }: DescribeContext): void {
  writer.field(0, 'IP', textAt(pod, 'status', 'podIP'));
  const addresses = listAt(pod, 'status', 'podIPs');
  if (addresses.length === 0) {
    writer.field(0, 'IPs', '<none>');
    return;
  }
  writer.line(0, 'IPs:');
  for (const address of addresses) {
    writer.field(1, 'IP', textAt(address, 'ip'));
  }
}

function writePodContainers({ object: pod, writer }: DescribeContext): void {
  for (const [label, field, statuses] of [
    ['Init Containers', 'initContainers', 'initContainerStatuses'],
    ['Containers', 'containers', 'containerStatuses'],
    ['Ephemeral Containers', 'ephemeralContainers', 'ephemeralContainerStatuses'],
  ] as const) {
    const containers = listAt(pod, 'spec', field);
    if (containers.length > 0 || field === 'containers') {
      writeContainers(writer, {
        label,
        containers,
        statuses: listAt(pod, 'status', statuses),
        indent: '',
        pod,
      });
    }
  }
}

function writeConditions({ object: pod, writer }: DescribeContext): void {
  const conditions = listAt(pod, 'status', 'conditions');
  const statusOf = (type: string): string =>
    textAt(
      conditions.find((each) => textAt(each, 'type') === type),
      'status',
    ) || '<none>';
  const gates = listAt(pod, 'spec', 'readinessGates');
  if (gates.length > 0) {
    writer.write(0, 'Readiness Gates:\n  Type\tStatus\n');
    for (const gate of gates) {
      const type = textAt(gate, 'conditionType');
      writer.line(1, `${type} \t${statusOf(type)} `);
    }
  }
  if (conditions.length > 0) {
    writer.write(0, 'Conditions:\n  Type\tStatus\n');
    for (const condition of conditions) {
      writer.line(1, `${textAt(condition, 'type')} \t${String(valueAt(condition, 'status'))} `);
    }
  }
}
