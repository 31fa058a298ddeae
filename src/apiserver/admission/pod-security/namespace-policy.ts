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
const DEFAULT_POLICY: NamespacePolicy = { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED };

interface ParsedPolicy {
  readonly policy: NamespacePolicy;
  readonly errors: readonly FieldError[];
}

const PARSED_DEFAULT: ParsedPolicy = { policy: DEFAULT_POLICY, errors: [] };

/** Reads a namespace's labels. What cannot be read is enforced as the strictest, and neither audited nor warned of. */
export function policyOf(labels: Readonly<Record<string, string>> | undefined): ParsedPolicy {
  if (labels === undefined || !Object.keys(labels).some((label) => label.startsWith(LABEL_PREFIX))) {
    return PARSED_DEFAULT;
  }
  const errors: FieldError[] = [];
  const enforce = readMode(labels, 'enforce', 'restricted', errors);
  const audit = readMode(labels, 'audit', 'privileged', errors);
  const warn = readMode(labels, 'warn', 'privileged', errors);
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
  levelOnError: Level,
  errors: FieldError[],
): LevelVersion {
  const levelLabel = `${LABEL_PREFIX}${mode}`;
  const level = labels[levelLabel] ?? 'privileged';
  const known = LEVELS.find((candidate) => candidate === level);
  if (known === undefined) {
    errors.push(labelError(levelLabel, level, `must be one of ${LEVELS.join(', ')}`));
  }
  const versionLabel = `${LABEL_PREFIX}${mode}-version`;
  const version = labels[versionLabel] ?? 'latest';
  const digits = /^v1\.(0|[1-9]\d*)$/.exec(version)?.[1];
  if (digits === undefined && version !== 'latest') {
    errors.push(labelError(versionLabel, version, 'must be "latest" or "v1.x"'));
  }
  return { level: known ?? levelOnError, minor: digits === undefined ? 'latest' : Number(digits) };
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
