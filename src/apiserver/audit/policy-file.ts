import { dnsSubdomainProblems } from '#api/names.ts';
import {
  ConfigFileError,
  ConfigProblems,
  fieldsOf,
  listOf,
  readConfigFile,
  textOf,
  type ConfigFields,
} from '../config-file.ts';
import {
  LEVELS,
  STAGES,
  type AuditLevel,
  type AuditPolicy,
  type AuditRule,
  type AuditStage,
  type GroupResources,
} from './audit-policy.ts';

const POLICY_FIELDS = ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields'];
const RULE_FIELDS = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
];
const RESOURCE_FIELDS = ['group', 'resources', 'resourceNames'];

/**
 * Reads an audit policy. Fields that nobody knows are passed to `warn` and left out, as upstream does.
 *
 * @throws {ConfigFileError} with everything that is wrong with it
 */
export function parseAuditPolicy(text: string, warn: (unknownField: string) => void): AuditPolicy {
  const document = readConfigFile(text, ['audit.k8s.io/v1'], 'Policy');
  const reader = new PolicyReader(warn);
  const policy = reader.policy(document);
  reader.problems.refuse();
  if (policy.rules.length === 0) {
    throw new ConfigFileError('loaded illegal policy with 0 rules');
  }
  return policy;
}

class PolicyReader {
  readonly problems = new ConfigProblems();
  readonly #warn: (unknownField: string) => void;

  constructor(warn: (unknownField: string) => void) {
    this.#warn = warn;
  }

  policy(fields: ConfigFields): AuditPolicy {
    this.#known('', fields, POLICY_FIELDS);
    return {
      omitStages: this.#stages('omitStages', fields['omitStages']),
      omitManagedFields: fields['omitManagedFields'] === true,
      rules: listOf(fields['rules']).map((rule, index) => this.#rule(`rules[${index}]`, fieldsOf(rule))),
    };
  }

  #rule(path: string, fields: ConfigFields): AuditRule {
    this.#known(path, fields, RULE_FIELDS);
    const rule: AuditRule = {
      level: this.#level(`${path}.level`, textOf(fields['level'])),
      users: texts(fields['users']),
      userGroups: texts(fields['userGroups']),
      verbs: texts(fields['verbs']),
      nonResourceURLs: this.#paths(`${path}.nonResourceURLs`, texts(fields['nonResourceURLs'])),
      resources: listOf(fields['resources']).map((each) =>
        this.#resources(`${path}.resources`, fieldsOf(each)),
      ),
      namespaces: texts(fields['namespaces']),
      omitStages: this.#stages(`${path}.omitStages`, fields['omitStages']),
      omitManagedFields: optionalBoolean(fields['omitManagedFields']),
    };
    if (rule.nonResourceURLs.length > 0 && (rule.resources.length > 0 || rule.namespaces.length > 0)) {
      this.problems.invalid(
        `${path}.nonResourceURLs`,
        rule.nonResourceURLs,
        'rules cannot apply to both regular resources and non-resource URLs',
      );
    }
    return rule;
  }

  #level(path: string, text: string): AuditLevel {
    this.problems.requiredText(path, text);
    const level = LEVELS.find((each) => each === text);
    if (level === undefined && text !== '') {
      this.problems.notOneOf(path, text, LEVELS);
    }
    return level ?? 'None';
  }

  #paths(path: string, urls: readonly string[]): readonly string[] {
    for (const [index, url] of urls.entries()) {
      if (url === '*') {
        continue;
      }
      if (!url.startsWith('/')) {
        this.problems.invalid(
          `${path}[${index}]`,
          url,
          "non-resource URL rules must begin with a '/' character",
        );
      }
      if (url.slice(0, -1).includes('*')) {
        this.problems.invalid(
          `${path}[${index}]`,
          url,
          "non-resource URL wildcards '*' must be the final character of the rule",
        );
      }
    }
    return urls;
  }

  #resources(path: string, fields: ConfigFields): GroupResources {
    this.#known(path, fields, RESOURCE_FIELDS);
    const group = textOf(fields['group']);
    if (group !== '' && group !== '*') {
      this.problems.names(`${path}.group`, group, dnsSubdomainProblems(group));
    }
    const resources = texts(fields['resources']);
    const resourceNames = texts(fields['resourceNames']);
    if (resourceNames.length > 0 && resources.length === 0) {
      this.problems.invalid(
        `${path}.resourceNames`,
        resourceNames,
        'using resourceNames requires at least one resource',
      );
    }
    return { group, resources, resourceNames };
  }

  #stages(path: string, value: unknown): readonly AuditStage[] {
    const found: AuditStage[] = [];
    for (const [index, text] of texts(value).entries()) {
      const stage = STAGES.find((each) => each === text);
      if (stage === undefined) {
        this.problems.invalid(`${path}[${index}]`, text, `allowed stages are ${STAGES.join(',')}`);
      } else {
        found.push(stage);
      }
    }
    return found;
  }

  #known(path: string, fields: ConfigFields, known: readonly string[]): void {
    for (const name of Object.keys(fields)) {
      if (!known.includes(name)) {
        this.#warn(path === '' ? name : `${path}.${name}`);
      }
    }
  }
}

function texts(value: unknown): readonly string[] {
  return listOf(value).map(textOf);
}

function optionalBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}
