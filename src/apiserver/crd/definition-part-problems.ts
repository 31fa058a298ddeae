import { dns1035LabelProblems } from '#api/names.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionNames,
  CustomResourceSubresourceScale,
} from '#api/types/apiextensions.v1.ts';
import type { Problems } from '#api/validation/problems.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

export function checkScale(problems: Problems, scale: CustomResourceSubresourceScale, path: string): void {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = scale;
  checkReplicasPath(problems, `${path}.specReplicasPath`, specReplicasPath, '.spec');
  checkReplicasPath(problems, `${path}.statusReplicasPath`, statusReplicasPath, '.status');
  const at = `${path}.labelSelectorPath`;
  if (labelSelectorPath !== '' && !checkSimplePath(problems, at, labelSelectorPath)) {
    return;
  }
  if (labelSelectorPath !== '' && !/^\.(?:spec|status)\./.test(labelSelectorPath)) {
    problems.invalid(at, labelSelectorPath, 'should be a json path under either .spec or .status');
  }
}

function checkReplicasPath(problems: Problems, path: string, value: string, root: string): void {
  if (value === '') {
    problems.required(path, '');
  } else if (checkSimplePath(problems, path, value) && !value.startsWith(`${root}.`)) {
    problems.invalid(path, value, `should be a json path under ${root}`);
  }
}

/** Upstream looks no closer than this. */
function checkSimplePath(problems: Problems, path: string, value: string): boolean {
  if (!value.startsWith('.')) {
    problems.invalid(path, value, 'must be a simple json path starting with .');
    return false;
  }
  return true;
}

export function checkColumn(problems: Problems, column: CustomResourceColumnDefinition, path: string): void {
  const { name, type, format = '', jsonPath } = column;
  if (name === '') {
    problems.required(`${path}.name`, '');
  }
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (type === '') {
    problems.required(`${path}.type`, types);
  } else if (!COLUMN_TYPES.includes(type)) {
    problems.invalid(`${path}.type`, type, types);
  }
  if (format !== '' && !COLUMN_FORMATS.includes(format)) {
    problems.invalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`);
  }
  // The name that the field had in the first version of the API.
  if (jsonPath === '') {
    problems.required(`${path}.JSONPath`, '');
  } else {
    checkSimplePath(problems, `${path}.JSONPath`, jsonPath);
  }
}

const MIXED_CASE = 'may have mixed case, but should otherwise match: ';

/** @param path of the names, asked for or accepted */
export function checkNames(problems: Problems, path: string, names: CustomResourceDefinitionNames): void {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names;
  const label = (field: string, value: string, detail = ''): void => {
    const wrong = dns1035LabelProblems(detail === '' ? value : value.toLowerCase());
    if (wrong.length > 0) {
      problems.invalid(`${path}.${field}`, value, `${detail}${wrong.join(',')}`);
    }
  };
  const optional = (field: string, value: string, detail = ''): void => {
    if (value !== '') {
      label(field, value, detail);
    }
  };
  optional('plural', plural);
  optional('singular', singular);
  optional('kind', kind, MIXED_CASE);
  optional('listKind', listKind, MIXED_CASE);
  shortNames.forEach((name, index) => label(`shortNames[${index}]`, name));
  if (kind !== '' && kind === listKind) {
    problems.invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same');
  }
  categories.forEach((name, index) => label(`categories[${index}]`, name));
}
