import { listAt, recordAt, textAt } from '../object-access.ts';
import { writeContainers } from './containers.ts';
import type { DescriptionWriter } from './description-writer.ts';
import { selectorText, writeAnnotations, writeLabels, writeMultiline, writeTolerations } from './format.ts';
import { writeVolumes } from './volumes.ts';

const INDENT = '  ';

export function describePodTemplate(writer: DescriptionWriter, template: unknown): void {
  writer.line(0, 'Pod Template:');
  writeLabels(writer, 'Labels', recordAt(template, 'metadata', 'labels'), INDENT);
  const annotations = recordAt(template, 'metadata', 'annotations');
  if (Object.keys(annotations).length > 0) {
    writeAnnotations(writer, annotations, INDENT);
  }
  const spec = recordAt(template, 'spec');
  if (textAt(spec, 'serviceAccountName') !== '') {
    writer.field(0, `${INDENT}Service Account`, textAt(spec, 'serviceAccountName'));
  }
  for (const [label, field] of [
    ['Init Containers', 'initContainers'],
    ['Containers', 'containers'],
  ] as const) {
    const containers = listAt(spec, field);
    if (containers.length > 0 || field === 'containers') {
      writeContainers(writer, { label, containers, statuses: [], indent: INDENT });
    }
  }
  writeVolumes(writer, listAt(spec, 'volumes'), INDENT);
  writeSpreadConstraints(writer, spec, INDENT);
  if (textAt(spec, 'priorityClassName') !== '') {
    writer.field(0, `${INDENT}Priority Class Name`, textAt(spec, 'priorityClassName'));
  }
  writeLabels(writer, 'Node-Selectors', recordAt(spec, 'nodeSelector'), INDENT);
  writeTolerations(writer, spec['tolerations'], INDENT);
}

export function writeSpreadConstraints(writer: DescriptionWriter, spec: unknown, indent = ''): void {
  const lines = listAt(spec, 'topologySpreadConstraints').map(
    (each) =>
      `${textAt(each, 'topologyKey')}:${textAt(each, 'whenUnsatisfiable')} when max skew ${textAt(each, 'maxSkew')} is exceeded for selector ${selectorText(recordAt(each, 'labelSelector'))}`,
  );
  if (lines.length > 0) {
    writeMultiline(writer, 'Topology Spread Constraints', lines, indent);
  }
}
