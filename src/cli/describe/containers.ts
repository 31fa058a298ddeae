import { compareText, listAt, numberAt, recordAt, sortedEntries, textAt, valueAt } from '../object-access.ts';
import type { DescriptionWriter } from './description-writer.ts';
import { boolText, timeText } from './format.ts';

export interface ContainersSection {
  /** `Containers`, `Init Containers`, … */
  readonly label: string;
  readonly containers: readonly unknown[];
  readonly statuses: readonly unknown[];
  /** Two blanks below a pod template, none in a pod. */
  readonly indent: string;
  /** The pod, when there is one, to fill in what environment variables take from it. */
  readonly pod?: unknown;
}

export function writeContainers(writer: DescriptionWriter, section: ContainersSection): void {
  const { label, containers, statuses, indent, pod } = section;
  if (containers.length === 0) {
    writer.line(0, `${indent}${label}: <none>`);
    return;
  }
  writer.line(0, `${indent}${label}:`);
  for (const container of containers) {
    const name = textAt(container, 'name');
    const status = statuses.find((each) => textAt(each, 'name') === name);
    writer.line(1, `${indent === '' ? '' : ' '}${name}:`);
    writeBasics(writer, container, status);
    writeWords(writer, 'Command', listAt(container, 'command'));
    writeWords(writer, 'Args', listAt(container, 'args'));
    if (status !== undefined) {
      writeStatus(writer, status);
    }
    writeAmounts(writer, 'Limits', valueAt(container, 'resources', 'limits'));
    writeAmounts(writer, 'Requests', valueAt(container, 'resources', 'requests'));
    writeProbes(writer, container);
    writeEnvironmentSources(writer, container);
    writeEnvironment(writer, container, pod);
    writeMounts(writer, container);
  }
}

function writeBasics(writer: DescriptionWriter, container: unknown, status: unknown): void {
  if (status !== undefined) {
    writer.field(2, 'Container ID', textAt(status, 'containerID'));
  }
  writer.field(2, 'Image', textAt(container, 'image'));
  if (status !== undefined) {
    writer.field(2, 'Image ID', textAt(status, 'imageID'));
  }
  const ports = listAt(container, 'ports');
  const plural = ports.length > 1 ? 's' : '';
  const text = (field: string): string =>
    ports.map((port) => `${numberAt(port, field) ?? 0}${portEnd(port)}`).join(', ') || '<none>';
  writer.field(2, `Port${plural}`, text('containerPort'));
  writer.field(2, `Host Port${plural}`, text('hostPort'));
  const seccomp = textAt(container, 'securityContext', 'seccompProfile', 'type');
  if (seccomp !== '') {
    writer.field(2, 'SeccompProfile', seccomp);
    if (seccomp === 'Localhost') {
      writer.field(
        3,
        'LocalhostProfile',
        textAt(container, 'securityContext', 'seccompProfile', 'localhostProfile'),
      );
    }
  }
}

/** `/TCP (http)`: what stands behind either number of a port. */
function portEnd(port: unknown): string {
  const name = textAt(port, 'name');
  return `/${textAt(port, 'protocol') || 'TCP'}${name === '' ? '' : ` (${name})`}`;
}

function writeWords(writer: DescriptionWriter, title: string, words: readonly unknown[]): void {
  if (words.length > 0) {
    writer.line(2, `${title}:`);
    for (const line of words.flatMap((word) => String(word).split('\n'))) {
      writer.line(3, line);
    }
  }
}

function writeStatus(writer: DescriptionWriter, status: unknown): void {
  writeState(writer, 'State', valueAt(status, 'state'));
  if (valueAt(status, 'lastState', 'terminated') !== undefined) {
    writeState(writer, 'Last State', valueAt(status, 'lastState'));
  }
  writer.field(2, 'Ready', boolText(valueAt(status, 'ready')));
  writer.field(2, 'Restart Count', numberAt(status, 'restartCount') ?? 0);
}

function writeState(writer: DescriptionWriter, title: string, state: unknown): void {
  const { running, waiting, terminated } = recordAt(state);
  if (running !== undefined) {
    writer.field(2, title, 'Running');
    writer.field(3, 'Started', timeText(textAt(running, 'startedAt')));
  } else if (terminated !== undefined) {
    writer.field(2, title, 'Terminated');
    for (const [name, field] of [
      ['Reason', 'reason'],
      ['Message', 'message'],
    ] as const) {
      if (textAt(terminated, field) !== '') {
        writer.field(3, name, textAt(terminated, field));
      }
    }
    writer.field(3, 'Exit Code', numberAt(terminated, 'exitCode') ?? 0);
    if ((numberAt(terminated, 'signal') ?? 0) > 0) {
      writer.field(3, 'Signal', numberAt(terminated, 'signal') ?? 0);
    }
    writer.field(3, 'Started', timeText(textAt(terminated, 'startedAt')));
    writer.field(3, 'Finished', timeText(textAt(terminated, 'finishedAt')));
  } else {
    writer.field(2, title, 'Waiting');
    if (textAt(waiting, 'reason') !== '') {
      writer.field(3, 'Reason', textAt(waiting, 'reason'));
    }
  }
}

function writeAmounts(writer: DescriptionWriter, title: string, amounts: unknown): void {
  const entries = sortedEntries(amounts);
  if (entries.length > 0) {
    writer.line(2, `${title}:`);
    for (const [name, amount] of entries) {
      writer.field(3, name, String(amount));
    }
  }
}

function writeProbes(writer: DescriptionWriter, container: unknown): void {
  for (const [title, field] of [
    ['Liveness', 'livenessProbe'],
    ['Readiness', 'readinessProbe'],
    ['Startup', 'startupProbe'],
  ] as const) {
    const probe = valueAt(container, field);
    if (probe !== undefined) {
      writer.field(2, title, probeText(probe));
    }
  }
}

function probeText(probe: unknown): string {
  const number = (field: string): number => numberAt(probe, field) ?? 0;
  const times = `delay=${number('initialDelaySeconds')}s timeout=${number('timeoutSeconds')}s period=${number('periodSeconds')}s #success=${number('successThreshold')} #failure=${number('failureThreshold')}`;
  const { exec, httpGet, tcpSocket, grpc } = recordAt(probe);
  if (exec !== undefined) {
    return `exec [${listAt(exec, 'command').map(String).join(' ')}] ${times}`;
  }
  if (httpGet !== undefined) {
    const path = textAt(httpGet, 'path');
    const url = `${textAt(httpGet, 'scheme').toLowerCase()}://${textAt(httpGet, 'host')}:${textAt(httpGet, 'port')}${path.startsWith('/') || path === '' ? path : `/${path}`}`;
    return `http-get ${url} ${times}`;
  }
  if (tcpSocket !== undefined) {
    return `tcp-socket ${textAt(tcpSocket, 'host')}:${textAt(tcpSocket, 'port')} ${times}`;
  }
  return grpc === undefined
    ? `unknown ${times}`
    : `grpc <pod>:${textAt(grpc, 'port')} ${textAt(grpc, 'service')} ${times}`;
}

function writeEnvironmentSources(writer: DescriptionWriter, container: unknown): void {
  const sources = listAt(container, 'envFrom');
  if (sources.length === 0) {
    return;
  }
  writer.line(2, 'Environment Variables from:');
  for (const source of sources) {
    const isConfigMap = valueAt(source, 'configMapRef') !== undefined;
    const ref = recordAt(source, isConfigMap ? 'configMapRef' : 'secretRef');
    const prefix = textAt(source, 'prefix');
    const from = `${isConfigMap ? 'ConfigMap' : 'Secret'}${prefix === '' ? '' : ` with prefix '${prefix}'`}`;
    writer.line(3, `${textAt(ref, 'name')}\t${from}\tOptional: ${String(ref['optional'] === true)}`);
  }
}

function writeEnvironment(writer: DescriptionWriter, container: unknown, pod: unknown): void {
  const variables = listAt(container, 'env');
  if (variables.length === 0) {
    writer.field(2, 'Environment', '<none>');
    return;
  }
  writer.line(2, 'Environment:');
  for (const variable of variables) {
    const name = textAt(variable, 'name');
    const source = recordAt(variable, 'valueFrom');
    const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = source;
    if (fieldRef !== undefined) {
      const path = textAt(fieldRef, 'fieldPath');
      writer.line(3, `${name}:\t${podField(pod, path)} (${textAt(fieldRef, 'apiVersion') || 'v1'}:${path})`);
    } else if (resourceFieldRef !== undefined) {
      writer.line(
        3,
        `${name}:\t${resourceField(container, resourceFieldRef)} (${textAt(resourceFieldRef, 'resource')})`,
      );
    } else if (secretKeyRef !== undefined) {
      writer.line(
        3,
        `${name}:\t<set to the key '${textAt(secretKeyRef, 'key')}' in secret '${textAt(secretKeyRef, 'name')}'>\tOptional: ${String(valueAt(secretKeyRef, 'optional') === true)}`,
      );
    } else if (configMapKeyRef !== undefined) {
      writer.line(
        3,
        `${name}:\t<set to the key '${textAt(configMapKeyRef, 'key')}' of config map '${textAt(configMapKeyRef, 'name')}'>\tOptional: ${String(valueAt(configMapKeyRef, 'optional') === true)}`,
      );
    } else {
      const [first = '', ...rest] = textAt(variable, 'value').split('\n');
      writer.line(3, `${name}:\t${first}`);
      for (const line of rest) {
        writer.line(3, `\t${line}`);
      }
    }
  }
}

/** Only metadata can be told from the object; the rest is known on the node. */
function podField(pod: unknown, path: string): string {
  const [, map = '', key = ''] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (map !== '') {
    return textAt(pod, 'metadata', map, key);
  }
  return /^metadata\.(?:name|namespace|uid)$/.test(path) ? textAt(pod, ...path.split('.')) : '';
}

function resourceField(container: unknown, ref: unknown): string {
  const [kind = '', ...name] = textAt(ref, 'resource').split('.');
  const amount = textAt(container, 'resources', kind, name.join('.'));
  return amount === '' ? (kind === 'limits' ? 'node allocatable' : '0') : amount;
}

function writeMounts(writer: DescriptionWriter, container: unknown): void {
  const mounts = listAt(container, 'volumeMounts');
  if (mounts.length === 0) {
    writer.field(2, 'Mounts', '<none>');
  } else {
    writer.line(2, 'Mounts:');
    for (const mount of mounts.toSorted((left, right) =>
      compareText(textAt(left, 'mountPath'), textAt(right, 'mountPath')),
    )) {
      const subPath = textAt(mount, 'subPath');
      const flags = [
        valueAt(mount, 'readOnly') === true ? 'ro' : 'rw',
        ...(subPath === '' ? [] : [`path=${JSON.stringify(subPath)}`]),
      ];
      writer.line(3, `${textAt(mount, 'mountPath')} from ${textAt(mount, 'name')} (${flags.join(',')})`);
    }
  }
  const devices = listAt(container, 'volumeDevices');
  if (devices.length > 0) {
    writer.line(2, 'Devices:');
    for (const device of devices) {
      writer.line(3, `${textAt(device, 'devicePath')} from ${textAt(device, 'name')}`);
    }
  }
}
