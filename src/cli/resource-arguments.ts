import { CliError } from './cli-error.ts';

/** What the arguments name: types, each with names or, without any, all of the type. */
export interface ResourceArgument {
  readonly type: string;
  readonly names: readonly string[];
}

const MIXED =
  "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'";

/**
 * Reads `pods web db`, `pods,svc`, or `pod/web deploy/api`.
 *
 * @throws {CliError} when the two forms are mixed
 */
export function parseResourceArguments(args: readonly string[]): readonly ResourceArgument[] {
  const slashed = args.filter((arg) => arg.includes('/'));
  if (slashed.length > 0) {
    if (slashed.length < args.length) {
      throw new CliError(MIXED);
    }
    return args.map((arg) => {
      const [type = '', name = '', ...rest] = arg.split('/');
      if (type === '' || name === '' || rest.length > 0) {
        throw new CliError('arguments in resource/name form must have a single resource and name');
      }
      return { type, names: [name] };
    });
  }
  const [types = '', ...names] = args;
  return types
    .split(',')
    .filter((type) => type !== '')
    .map((type) => ({ type, names }));
}
