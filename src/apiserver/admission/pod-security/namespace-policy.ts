import type { FieldError } from '#api/status-error.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';

const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted'];

/** A level as it stood in one minor release; `latest` is what this release has. */
export interface LevelVersion {
  readonly level: Level;
  readonly minor: number | 'latest';
}

/** What a namespace wants of its pods. */
export interface NamespacePolicy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

export const LABEL_PREFIX = 'pod-security.kubernetes.io/';

const PRIVILEGED: LevelVersion = { level: 'privileged', minor: 'latest' };
export const DEFAULT_POLICY: NamespacePolicy = { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED };

interface ParsedPolicy {
  readonly policy: NamespacePolicy;
  readonly errors: readonly FieldError[];
}

/**
 * Reads a namespace's labels. What cannot be read is enforced as the strictest, and neither audited nor warned of.
 *
 * @param defaults for what the labels do not say
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: NamespacePolicy,
): ParsedPolicy {
  if (labels === undefined || !Object.keys(labels).some((label) => label.startsWith(LABEL_PREFIX))) {
    return { policy: defaults, errors: [] };
  }
  const errors: FieldError[] = [];
  const enforce = readMode(labels, 'enforce', { ...defaults.enforce, onError: 'restricted' }, errors);
  const audit = readMode(labels, 'audit', { ...defaults.audit, onError: 'privileged' }, errors);
  const warn = readMode(labels, 'warn', { ...defaults.warn, onError: 'privileged' }, errors);
  // Who enforces wants to be warned beforehand too, where pods are made by something else.
  const wasEnforceRead = LEVELS.some((level) => level === labels[`${LABEL_PREFIX}enforce`]);
  const followsEnforce = labels[`${LABEL_PREFIX}warn`] === undefined && wasEnforceRead;
  const hasWarnVersion = labels[`${LABEL_PREFIX}warn-version`] !== undefined;
  return {
    policy: {
      enforce,
      audit,
      warn:
        followsEnforce && strictness(enforce) > strictness(warn)
          ? { level: enforce.level, minor: hasWarnVersion ? warn.minor : enforce.minor }
          : warn,
    },
    errors,
  };
}

function readMode(
  labels: Readonly<Record<string, string>>,
  mode: string,
  { onError, ...found }: LevelVersion & { readonly onError: Level },
  errors: FieldError[],
): LevelVersion {
  let { level, minor } = found;
  const levelLabel = `${LABEL_PREFIX}${mode}`;
  const levelText = labels[levelLabel];
  if (levelText !== undefined) {
    const read = readLevel(levelText);
    level = typeof read === 'object' ? read.level : onError;
    if (typeof read !== 'object') {
      errors.push(labelError(levelLabel, levelText, read));
    }
  }
  const versionLabel = `${LABEL_PREFIX}${mode}-version`;
  const version = labels[versionLabel];
  if (version !== undefined) {
    const read = readMinor(version);
    minor = typeof read === 'object' ? read.minor : 'latest';
    if (typeof read !== 'object') {
      errors.push(labelError(versionLabel, version, read));
    }
  }
  return { level, minor };
}

/** A text says what is wrong. */
export function readLevel(text: string): Pick<LevelVersion, 'level'> | string {
  const level = LEVELS.find((candidate) => candidate === text);
  return level === undefined ? `must be one of ${LEVELS.join(', ')}` : { level };
}

/** A text says what is wrong. */
export function readMinor(text: string): Pick<LevelVersion, 'minor'> | string {
  const digits = /^v1\.(0|[1-9]\d*)$/.exec(text)?.[1];
  if (digits === undefined) {
    return text === 'latest' ? { minor: 'latest' } : 'must be "latest" or "v1.x"';
  }
  return { minor: Number(digits) };
}

function labelError(label: string, badValue: string, detail: string): FieldError {
  return { path: `metadata.labels[${label}]`, reason: 'FieldValueInvalid', badValue, detail };
}

/** `baseline:latest`, `restricted:v1.25` */
export function levelText({ level, minor }: LevelVersion): string {
  return `${level}:${minor === 'latest' ? minor : `v1.${minor}`}`;
}

export function strictness({ level }: LevelVersion): number {
  return LEVELS.indexOf(level);
}

export function isFullyPrivileged({ enforce, audit, warn }: NamespacePolicy): boolean {
  return [enforce, audit, warn].every(({ level }) => level === 'privileged');
}
