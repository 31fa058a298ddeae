import { canonicalQuantity, QuantityError } from '#api/quantity.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { dryRunOf, writeQuery } from '../dry-run.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import { withLastApplied } from '../last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { DRY_RUN_FLAG, FIELD_MANAGER_FLAG } from '../selection-flags.ts';

export const AUTOSCALE: Command = {
  name: 'autoscale',
  about: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  usage: '(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    DRY_RUN_FLAG,
    FIELD_MANAGER_FLAG,
    { name: 'cpu', kind: 'text', about: 'Wanted use of CPU: 70% of what is requested, or 500m each.' },
    { name: 'cpu-percent', kind: 'int', initial: '-1', about: 'The same as --cpu=N%.' },
    { name: 'max', kind: 'int', initial: '-1', isRequired: true, about: 'The most pods there may be.' },
    { name: 'memory', kind: 'text', about: 'Wanted use of memory: 60% of what is requested, or 200Mi each.' },
    { name: 'min', kind: 'int', initial: '-1', about: 'The fewest pods there may be.' },
    { name: 'name', kind: 'text', about: 'Name of the autoscaler; that of the object without it.' },
    { name: 'save-config', kind: 'bool', about: 'Save the configuration in an annotation, for apply.' },
  ],
  run: autoscale,
};

/** What a bare number means. */
const UNITS: Readonly<Record<string, string>> = { cpu: 'm', memory: 'Mi' };

async function autoscale(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  if (flags.has('cpu-percent')) {
    session.printError(
      "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).\n",
    );
  }
  const [min, max] = [flags.int('min'), flags.int('max')];
  if (max < 1) {
    throw new CliError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
  }
  if (max < min) {
    throw new CliError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
  }
  const metrics = metricsOf(invocation);
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  for (const target of await findObjects(invocation)) {
    if (!target.resource.subresources.includes('scale')) {
      throw new CliError(
        `cannot autoscale a ${target.resource.kind}: could not find scale subresource for ${target.resource.group}/${target.resource.version}, Resource=${target.resource.resource} in discovery information`,
      );
    }
    const made = asObject(autoscalerFor(invocation, target, metrics));
    const object = flags.bool('save-config') ? withLastApplied(made) : made;
    const resource = await session.resource('horizontalpodautoscalers');
    const answer =
      dryRun === 'client'
        ? object
        : await session.client.request({
            method: 'POST',
            path: pathOf(resource, { namespace: target.namespace }),
            query: writeQuery(flags, dryRun, 'kubectl-autoscale'),
            body: object,
          });
    printer.print(asObject(answer), dryRun === 'client' ? 'created' : 'autoscaled');
  }
}

function metricsOf({ flags }: Invocation): readonly object[] {
  const percent = flags.int('cpu-percent');
  if (percent > 0 && flags.text('cpu') !== '') {
    throw new CliError('--cpu-percent and --cpu are mutually exclusive');
  }
  const cpu = percent > 0 ? `${percent}%` : flags.text('cpu');
  return [
    ...(cpu === '' ? [] : [metric('cpu', cpu)]),
    ...(flags.text('memory') === '' ? [] : [metric('memory', flags.text('memory'))]),
  ];
}

function metric(name: string, text: string): object {
  return { type: 'Resource', resource: { name, target: targetOf(name, text.trim()) } };
}

/** `70%` of what is requested, or an amount for each pod. */
function targetOf(name: string, text: string): object {
  if (text.endsWith('%')) {
    const digits = text.slice(0, -1);
    if (!/^\+?\d+$/.test(digits)) {
      throw new CliError(`invalid percentage value: ${digits}`);
    }
    return { type: 'Utilization', averageUtilization: Number(digits) };
  }
  try {
    const averageValue = canonicalQuantity(/^[-+]?[\d.]+$/.test(text) ? `${text}${UNITS[name] ?? ''}` : text);
    return { type: 'AverageValue', averageValue };
  } catch (error) {
    throw error instanceof QuantityError ? new CliError(`invalid resource ${name} value: ${text}`) : error;
  }
}

function autoscalerFor(
  { session, flags }: Invocation,
  { resource, name, object }: FoundObject,
  metrics: readonly object[],
): object {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: flags.text('name') || name,
      ...(session.isNamespaceGiven ? { namespace: session.namespace } : {}),
    },
    spec: {
      maxReplicas: flags.int('max'),
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(flags.int('min') > 0 ? { minReplicas: flags.int('min') } : {}),
      scaleTargetRef: { apiVersion: object.apiVersion, kind: resource.kind, name },
    },
    status: { currentMetrics: null, desiredReplicas: 0 },
  };
}
