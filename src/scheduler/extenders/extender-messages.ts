import type { Node, Pod } from '#api/types/core.v1.ts';

/** Pods to be evicted from one node, by UID. */
export interface MetaVictims {
  readonly uids: readonly string[];
  readonly violatedBudgets: number;
}

/** What is asked of filters and prioritizers: `ExtenderArgs` of extender API v1. */
export function extenderArgs(pod: Pod, nodes: readonly Node[], wantsNamesOnly: boolean): string {
  return JSON.stringify({
    Pod: pod,
    Nodes: wantsNamesOnly ? null : { metadata: {}, items: nodes },
    NodeNames: wantsNamesOnly ? nodes.map(({ metadata }) => metadata.name) : null,
  });
}

/** What a filter answered. */
export interface FilterAnswer {
  /** Undefined when it named none at all. */
  readonly nodeNames: readonly string[] | undefined;
  readonly nodes: readonly string[] | undefined;
  readonly failed: ReadonlyMap<string, string>;
  readonly failedForGood: ReadonlyMap<string, string>;
  readonly error: string;
}

export function filterAnswer(text: string): FilterAnswer {
  const fields = fieldsOf(JSON.parse(text));
  const nodes = fields('Nodes');
  const items = nodes === undefined || nodes === null ? undefined : listOf(fieldsOf(nodes)('items'));
  const names = fields('NodeNames');
  return {
    nodeNames: names === undefined || names === null ? undefined : listOf(names).map(String),
    nodes: items?.map((item) => textOf(fieldsOf(fieldsOf(item)('metadata'))('name'))),
    failed: messagesOf(fields('FailedNodes')),
    failedForGood: messagesOf(fields('FailedAndUnresolvableNodes')),
    error: textOf(fields('Error')),
  };
}

/** Scores by node: `HostPriorityList`. */
export function prioritiesAnswer(text: string): ReadonlyMap<string, number> {
  return new Map(
    listOf(JSON.parse(text)).map((item): [string, number] => {
      const fields = fieldsOf(item);
      return [textOf(fields('Host')), numberOf(fields('Score'))];
    }),
  );
}

/** `ExtenderBindingArgs`. */
export function bindingArgs({ metadata: { name, namespace, uid } }: Pod, nodeName: string): string {
  return JSON.stringify({ PodName: name, PodNamespace: namespace, PodUID: uid, Node: nodeName });
}

/** The error that an `ExtenderBindingResult` speaks of; empty when it went well. */
export function bindingAnswer(text: string): string {
  return textOf(fieldsOf(JSON.parse(text))('Error'));
}

/** `ExtenderPreemptionArgs`: the pods themselves, or their UIDs for an extender that knows them. */
export function preemptionArgs(
  pod: Pod,
  victims: ReadonlyMap<string, { readonly pods: readonly Pod[]; readonly violatedBudgets: number }>,
  wantsUidsOnly: boolean,
): string {
  const byNode = Object.fromEntries(
    [...victims].map(([nodeName, { pods, violatedBudgets }]) => [
      nodeName,
      {
        Pods: wantsUidsOnly ? pods.map(({ metadata }) => ({ UID: metadata.uid })) : pods,
        NumPDBViolations: violatedBudgets,
      },
    ]),
  );
  return JSON.stringify({
    Pod: pod,
    NodeNameToVictims: wantsUidsOnly ? null : byNode,
    NodeNameToMetaVictims: wantsUidsOnly ? byNode : null,
  });
}

/** The nodes that are left, with their victims: `ExtenderPreemptionResult`. */
export function preemptionAnswer(text: string): ReadonlyMap<string, MetaVictims> {
  const byNode = recordOf(fieldsOf(JSON.parse(text))('NodeNameToMetaVictims'));
  return new Map(
    Object.entries(byNode).map(([nodeName, value]): [string, MetaVictims] => {
      const fields = fieldsOf(value);
      return [
        nodeName,
        {
          uids: listOf(fields('Pods')).map((item) => textOf(fieldsOf(item)('UID'))),
          violatedBudgets: numberOf(fields('NumPDBViolations')),
        },
      ];
    }),
  );
}

/** Extenders in Go have no names of their own for JSON, and its decoder does not mind the case; so others write as they like. */
function fieldsOf(value: unknown): (name: string) => unknown {
  const fields = new Map(Object.entries(recordOf(value)).map(([name, field]) => [name.toLowerCase(), field]));
  return (name) => fields.get(name.toLowerCase());
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function messagesOf(value: unknown): ReadonlyMap<string, string> {
  return new Map(Object.entries(recordOf(value)).map(([name, message]) => [name, textOf(message)]));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
