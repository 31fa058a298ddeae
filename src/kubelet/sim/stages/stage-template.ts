import { formatTime } from '#api/time.ts';
import { decodeYaml } from '#codec/yaml.ts';
import { StageError } from './stage-error.ts';
import { parseStagePath } from './stage-path.ts';

export interface TemplateContext {
  readonly object: unknown;
  readonly nowMs: number;
  readonly nodeIp: string;
  /** Gives the pod its address. */
  readonly podIp: () => string;
}

export type StageTemplate = (context: TemplateContext) => unknown;

type Part = (context: TemplateContext) => unknown;

const ACTION = /\{\{-?\s*(.*?)\s*-?\}\}/gs;
const QUOTED = /^(?:Quote|quote)\s+(\S+)$|^(\S+)\s*\|\s*(?:Quote|quote)$/;

/**
 * A value with actions in its strings, or YAML text with actions: `{{ Now }}`, `{{ NodeIP }}`, `{{ PodIP }}` and
 * `{{ .path }}`, each quoted or not.
 *
 * @throws {StageError} another action, such as a condition or a loop
 */
export function parseStageTemplate(source: unknown): StageTemplate {
  if (typeof source === 'string') {
    const render = parseText(source, true);
    return (context) => decodeYaml(render(context));
  }
  return parseValue(source);
}

function parseValue(source: unknown): StageTemplate {
  if (typeof source === 'string') {
    return source.includes('{{') ? parseText(source, false) : () => source;
  }
  if (Array.isArray(source)) {
    const items = source.map(parseValue);
    return (context) => items.map((item) => item(context));
  }
  if (typeof source !== 'object' || source === null) {
    return () => source;
  }
  const fields = Object.entries(source).map(([key, value]) => [key, parseValue(value)] as const);
  return (context) => Object.fromEntries(fields.map(([key, value]) => [key, value(context)]));
}

/** @param isYaml what is quoted gets its quotes; in a value of its own it needs none */
function parseText(text: string, isYaml: boolean): (context: TemplateContext) => string {
  const parts: ((context: TemplateContext) => string)[] = [];
  let end = 0;
  for (const match of text.matchAll(ACTION)) {
    const [all, action = ''] = match;
    const before = text.slice(end, match.index);
    const quoted = QUOTED.exec(action);
    const value = parseAction(quoted?.[1] ?? quoted?.[2] ?? action);
    const isQuoted = isYaml && quoted !== null;
    parts.push(
      () => before,
      (context) => {
        const shown = textOf(value(context));
        return isQuoted ? JSON.stringify(shown) : shown;
      },
    );
    end = match.index + all.length;
  }
  const rest = text.slice(end);
  return (context) => parts.map((part) => part(context)).join('') + rest;
}

function parseAction(action: string): Part {
  switch (action) {
    case 'Now':
      return ({ nowMs }) => formatTime(nowMs);
    case 'NodeIP':
      return ({ nodeIp }) => nodeIp;
    case 'PodIP':
      return ({ podIp }) => podIp();
    default: {
      if (!action.startsWith('.')) {
        throw new StageError(
          `the action "{{ ${action} }}" is not supported: Now, NodeIP, PodIP and paths are, quoted or not`,
        );
      }
      const path = parseStagePath(action);
      return ({ object }) => path(object)[0];
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}
