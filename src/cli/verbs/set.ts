import { jsonEqual } from '#base/json-equal.ts';
import { canonicalQuantity, QuantityError } from '#api/quantity.ts';
import { BareError, CHANGE_FLAGS, changeObjects } from '../change-object.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { type AnyObject, asObject, listAt, recordAt, withValueAt } from '../object-access.ts';
import { withContainers, withPodSpec } from '../pod-spec-of.ts';
import { SET_ENV } from './set-env.ts';

const MANAGER = 'kubectl-set';
const RESOURCES = '(-f FILENAME | TYPE NAME)';

export const SET: Command = {
  name: 'set',
  about: 'Set specific features on objects',
  commands: [
    SET_ENV,
    {
      name: 'image',
      aliases: ['im'],
      about: 'Update the image of a pod template',
      usage: `${RESOURCES} CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N`,
      flags: CHANGE_FLAGS,
      run: setImage,
    },
    {
      name: 'resources',
      about: 'Update resource requests/limits on objects with pod templates',
      usage: `${RESOURCES}  ([--limits=LIMITS & --requests=REQUESTS]`,
      flags: [
        ...CHANGE_FLAGS,
        {
          name: 'containers',
          short: 'c',
          kind: 'text',
          initial: '*',
          about: 'The names of containers in the pod templates to change; * stands for any text.',
        },
        { name: 'limits', kind: 'text', about: 'Limits: cpu=100m,memory=256Mi.' },
        { name: 'requests', kind: 'text', about: 'Requests: cpu=100m,memory=256Mi.' },
      ],
      run: setResources,
    },
    {
      name: 'selector',
      about: 'Set the selector on a resource',
      usage: `${RESOURCES} EXPRESSIONS [--resource-version=version]`,
      flags: [
        ...CHANGE_FLAGS,
        { name: 'resource-version', kind: 'text', about: 'Change only this version of the object.' },
      ],
      run: setSelector,
    },
    {
      name: 'serviceaccount',
      aliases: ['sa'],
      about: 'Update the service account of a resource',
      usage: `${RESOURCES} SERVICE_ACCOUNT`,
      flags: CHANGE_FLAGS,
      run: setServiceAccount,
    },
    {
      name: 'subject',
      about: 'Update the user, group, or service account in a role binding or cluster role binding',
      usage: `${RESOURCES} [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]`,
      flags: [
        ...CHANGE_FLAGS,
        { name: 'group', kind: 'array', about: 'Groups to bind to the role.' },
        { name: 'serviceaccount', kind: 'array', about: 'Service accounts to bind: namespace:name.' },
        { name: 'user', kind: 'array', about: 'Users to bind to the role.' },
      ],
      run: setSubject,
    },
  ],
};

async function setImage(invocation: Invocation): Promise<void> {
  const { resources, pairs } = splitPairs(invocation.args, 'image');
  await changeObjects(invocation, resources, {
    manager: MANAGER,
    outcome: 'image updated',
    refusal: 'failed to patch image update to pod template: ',
    check: () => checkImages(pairs),
    apply: (object) =>
      withPodSpec(object, (spec) =>
        pairs.reduce((changed, [name, image]) => {
          const result = withContainers(changed, name, (container) => ({ ...container, image }));
          if (result.count === 0) {
            throw new BareError(`unable to find container named ${JSON.stringify(name)}`);
          }
          return result.spec;
        }, spec),
      ),
  });
}

function checkImages(pairs: readonly (readonly [string, string])[]): void {
  if (pairs.length === 0) {
    throw new CliError('at least one image update is required');
  }
  if (pairs.length > 1 && pairs.some(([name]) => name === '*')) {
    throw new CliError(
      'all containers are already specified by *, but saw more than one container_name=container_image pairs',
    );
  }
}

/** Splits `deployment web app=app:2` into what names objects and the pairs. */
function splitPairs(
  args: readonly string[],
  what: string,
): { readonly resources: readonly string[]; readonly pairs: readonly (readonly [string, string])[] } {
  const isPair = (arg: string): boolean => arg.indexOf('=') > 0 || (arg.endsWith('-') && arg !== '-');
  const start = args.findIndex(isPair);
  const words = start < 0 ? [] : args.slice(start);
  const stray = words.find((word) => !isPair(word));
  if (stray !== undefined) {
    throw new CliError(`all resources must be specified before ${what} changes: ${stray}`);
  }
  const invalid = words.filter((word) => word.indexOf('=') <= 0);
  if (invalid.length > 0) {
    throw new CliError(`invalid ${what} format: ${invalid.join(', ')}`);
  }
  const pairs = words.map((word) => {
    const equals = word.indexOf('=');
    return [word.slice(0, equals), word.slice(equals + 1)] as const;
  });
  return { resources: start < 0 ? args : args.slice(0, start), pairs };
}

async function setResources(invocation: Invocation): Promise<void> {
  const { flags, args } = invocation;
  const [limits, requests] = [readQuantities(flags.text('limits')), readQuantities(flags.text('requests'))];
  if (limits === undefined && requests === undefined) {
    throw new CliError(
      'you must specify an update to requests or limits (in the form of --requests/--limits)',
    );
  }
  const pattern = flags.text('containers');
  await changeObjects(invocation, args, {
    manager: MANAGER,
    outcome: 'resource requirements updated',
    refusal: 'failed to patch resources update to pod template ',
    apply: (object) =>
      withPodSpec(object, (spec) => {
        const result = withContainers(spec, pattern, (container) => {
          const before = recordAt(container, 'resources');
          return {
            ...container,
            resources: {
              ...before,
              ...(limits === undefined ? {} : { limits: { ...recordAt(before, 'limits'), ...limits } }),
              ...(requests === undefined
                ? {}
                : { requests: { ...recordAt(before, 'requests'), ...requests } }),
            },
          };
        });
        if (result.count === 0) {
          throw new BareError(`unable to find container named ${pattern}`);
        }
        return result.spec;
      }),
  });
}

/** `cpu=100m,memory=1Gi`; undefined for nothing. */
function readQuantities(text: string): Readonly<Record<string, string>> | undefined {
  if (text === '') {
    return undefined;
  }
  return Object.fromEntries(
    text.split(',').map((statement) => {
      const [name = '', value, ...more] = statement.split('=');
      if (value === undefined || more.length > 0) {
        throw new CliError(`Invalid argument syntax ${statement}, expected <resource>=<value>`);
      }
      try {
        return [name, canonicalQuantity(value)];
      } catch (error) {
        throw error instanceof QuantityError ? new CliError(error.message) : error;
      }
    }),
  );
}

async function setServiceAccount(invocation: Invocation): Promise<void> {
  const { args } = invocation;
  const name = args.at(-1);
  if (name === undefined) {
    throw new CliError('serviceaccount is required');
  }
  await changeObjects(invocation, args.slice(0, -1), {
    manager: MANAGER,
    outcome: 'serviceaccount updated',
    refusal: 'failed to patch ServiceAccountName ',
    apply: (object) => withPodSpec(object, (spec) => ({ ...spec, serviceAccountName: name })),
  });
}

async function setSelector(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  const text = args.at(-1);
  if (text === undefined) {
    throw new CliError('one selector is required');
  }
  const selector = Object.fromEntries(
    text.split(',').map((pair) => {
      const [, key, value] = /^\s*([^=!\s]+)\s*==?\s*([^=\s]*)\s*$/.exec(pair) ?? [];
      if (key === undefined || value === undefined) {
        throw new CliError(`match expression ${pair} not supported on this object`);
      }
      return [key, value];
    }),
  );
  const version = flags.text('resource-version');
  await changeObjects(invocation, args.slice(0, -1), {
    manager: MANAGER,
    outcome: 'selector updated',
    refusal: '',
    apply: (object) => {
      if (object.kind !== 'Service') {
        throw new BareError('setting a selector is only supported for Services');
      }
      const changed = withValueAt(object, ['spec', 'selector'], selector);
      return asObject(
        version === '' ? changed : withValueAt(changed, ['metadata', 'resourceVersion'], version),
      );
    },
  });
}

const RBAC_GROUP = 'rbac.authorization.k8s.io';

async function setSubject(invocation: Invocation): Promise<void> {
  const { flags, args, session } = invocation;
  const sorted = (flag: string): readonly string[] => [...new Set(flags.list(flag))].toSorted();
  const accounts = sorted('serviceaccount').map((text) => {
    const [namespace = '', name = '', ...more] = text.split(':');
    if (name === '' || more.length > 0) {
      throw new CliError('serviceaccount must be <namespace>:<name>');
    }
    return { namespace, name };
  });
  const subjects = [
    ...sorted('user').map((name) => ({ apiGroup: RBAC_GROUP, kind: 'User', name })),
    ...sorted('group').map((name) => ({ apiGroup: RBAC_GROUP, kind: 'Group', name })),
    ...accounts.map(({ namespace, name }) => ({
      kind: 'ServiceAccount',
      name,
      namespace: namespace || session.namespace,
    })),
  ];
  if (subjects.length === 0) {
    throw new CliError('you must specify at least one value of user, group or serviceaccount');
  }
  await changeObjects(invocation, args, {
    manager: MANAGER,
    outcome: 'subjects updated',
    refusal: 'failed to patch subjects to rolebinding: ',
    apply: (object) => {
      if (object.kind === 'ClusterRoleBinding' && accounts.some(({ namespace }) => namespace === '')) {
        throw new CliError('serviceaccount must be <namespace>:<name>, namespace must be specified');
      }
      return withSubjects(object, subjects);
    },
  });
}

function withSubjects(object: AnyObject, subjects: readonly object[]): AnyObject {
  if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') {
    throw new CliError('setting subjects is only supported for RoleBinding/ClusterRoleBinding');
  }
  const before = listAt(object, 'subjects');
  const added = subjects.filter((subject) => !before.some((each) => jsonEqual(each, subject)));
  return added.length === 0 ? object : asObject({ ...object, subjects: [...before, ...added] });
}
