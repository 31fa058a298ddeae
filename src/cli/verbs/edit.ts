import { structOfKind } from '#api/schema/schema.ts';
import { StatusError } from '#api/status-error.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { twoWayPatch } from '#codec/patch/strategic-diff.ts';
import { encodeYaml } from '#codec/yaml.ts';
import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { writeQuery } from '../dry-run.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import type { Flag } from '../flags.ts';
import { LAST_APPLIED, lastAppliedOf, withLastApplied } from '../last-applied.ts';
import { FILE_FLAGS, manifestsIn } from '../manifests.ts';
import { type AnyObject, asObject, textAt } from '../object-access.ts';
import { commentLines, EditedFile, saysTheSame, withoutComments } from '../object-editor.ts';
import { goJson } from '../printers/go-json.ts';
import {
  nameOf,
  objectPrinter,
  OUTPUT_FLAGS,
  outputFormat,
  withoutManagedFields,
} from '../printers/printer.ts';
import { pathOf, qualifiedName } from '../resource-mapper.ts';
import { FIELD_MANAGER_FLAG, VALIDATE_FLAG } from '../selection-flags.ts';

const FLAGS: readonly Flag[] = [
  ...FILE_FLAGS,
  ...OUTPUT_FLAGS,
  FIELD_MANAGER_FLAG,
  VALIDATE_FLAG,
  { name: 'windows-line-endings', kind: 'bool', about: 'End the lines of the file as Windows does.' },
];

export const EDIT: Command = {
  name: 'edit',
  about: 'Edit a resource on the server',
  usage: '(RESOURCE/NAME | -f FILENAME)',
  flags: [
    ...FLAGS,
    { name: 'output-patch', kind: 'bool', about: 'Print the patch when the object is edited.' },
    { name: 'save-config', kind: 'bool', about: 'Save the configuration in an annotation, for apply.' },
    { name: 'subresource', kind: 'text', about: 'Edit this part of the object: status, scale.' },
  ],
  run: edit,
};

export const EDIT_LAST_APPLIED: Command = {
  name: 'edit-last-applied',
  about: 'Edit latest last-applied-configuration annotations of a resource/object',
  usage: '(RESOURCE/NAME | -f FILENAME)',
  flags: FLAGS,
  run: editLastApplied,
};

const OBJECT_HEADER = `Please edit the object below. Lines beginning with a '#' will be ignored,
and an empty file will abort the edit. If an error occurs while saving this file will be
reopened with the relevant failures.
`;

const ANNOTATION_HEADER = `Please edit the 'last-applied-configuration' annotations below.
Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
`;

/** What the user edits, and what becomes of it. */
interface EditSession {
  readonly header: string;
  readonly originals: readonly AnyObject[];
  /** Takes over one edited object; returns why it has to be edited again. */
  readonly save: (edited: AnyObject) => Promise<string | undefined>;
  /** Ends the program when what went wrong cannot be mended in the editor. */
  readonly finish: (path: string) => void;
}

async function edit(invocation: Invocation): Promise<void> {
  const { session } = invocation;
  const found = await findObjects(invocation, { allowsAll: true });
  if (found.length === 0) {
    throw new CliError('edit cancelled, no objects found');
  }
  const outcome = { retryable: 0, missing: 0 };
  await runEditor(invocation, {
    header: OBJECT_HEADER,
    originals: found.map(({ object }) => withoutManagedFields(object)),
    save: async (edited) => {
      const target = originalOf(found, edited);
      checkNamespace(invocation, edited, target);
      try {
        await patchOne(invocation, target, edited);
        return undefined;
      } catch (error) {
        if (!(error instanceof StatusError)) {
          throw error;
        }
        return complain(invocation, target, { error, outcome });
      }
    },
    finish: (path) => {
      if (outcome.retryable > 0) {
        session.printError(`You can run \`kubectl replace -f ${path}\` to try this update again.\n`);
        throw silentExit(1);
      }
      if (outcome.missing > 0) {
        session.printError(
          `The edits you made on deleted resources have been saved to ${JSON.stringify(path)}\n`,
        );
        throw silentExit(1);
      }
    },
  });
}

/** Opens the editor until what it leaves is taken over, or given up. */
async function runEditor({ session, flags, io }: Invocation, run: EditSession): Promise<void> {
  const isJson = outputFormat(flags).name === 'json';
  const file = new EditedFile(io, isJson ? '.json' : '.yaml');
  const original = documentOf(run.originals, isJson);
  let reasons: readonly string[] = [];
  let last: string | undefined;
  try {
    for (;;) {
      const body = last === undefined ? original : withoutComments(last);
      const edited = file.edit(
        lineEnds(flags.bool('windows-line-endings'), headerOf(run, reasons, isJson) + body),
      );
      if (last !== undefined && saysTheSame(last, edited)) {
        throw new CliError('Edit cancelled, no valid changes were saved.');
      }
      if (saysTheSame(original, edited)) {
        file.remove();
        session.printError('Edit cancelled, no changes made.\n');
        return;
      }
      if (withoutComments(edited).trim() === '') {
        file.remove();
        session.printError('Edit cancelled, saved file was empty.\n');
        return;
      }
      reasons = await saveAll(edited, run);
      run.finish(file.path);
      if (reasons.length === 0) {
        file.remove();
        return;
      }
      last = edited;
    }
  } catch (error) {
    if (!(error instanceof CliError && error.message === '')) {
      file.announce();
    }
    throw error;
  }
}

/** @returns why the file has to be edited again */
async function saveAll(edited: string, { save }: EditSession): Promise<readonly string[]> {
  let objects: readonly AnyObject[];
  try {
    objects = manifestsIn(edited, 'edited-file').map(({ object }) => object);
  } catch (error) {
    if (error instanceof CliError) {
      return [`The edited file had a syntax error: ${error.message}`];
    }
    throw error;
  }
  const reasons: string[] = [];
  for (const object of objects) {
    const reason = await save(object);
    if (reason !== undefined) {
      reasons.push(reason);
    }
  }
  return reasons;
}

function documentOf(objects: readonly AnyObject[], isJson: boolean): string {
  const [first] = objects;
  const document =
    objects.length === 1 && first !== undefined
      ? first
      : { apiVersion: 'v1', items: objects, kind: 'List', metadata: {} };
  return isJson ? `${goJson(document, 4)}\n` : encodeYaml(document);
}

function headerOf({ header }: EditSession, reasons: readonly string[], isJson: boolean): string {
  return isJson
    ? ''
    : `${[header, ...reasons.map((reason) => `${reason}\n`)].map(commentLines).join('\n')}\n`;
}

function lineEnds(isWindows: boolean, text: string): string {
  return isWindows ? text.replaceAll('\n', '\r\n') : text;
}

function originalOf<T extends { readonly object: AnyObject }>(found: readonly T[], edited: AnyObject): T {
  const original = found.find(({ object }) => object.metadata.uid === edited.metadata.uid);
  if (original === undefined) {
    throw new CliError(`no original object found for ${goJson(edited)}`);
  }
  return original;
}

function checkNamespace({ session }: Invocation, edited: AnyObject, { namespace }: FoundObject): void {
  const given = textAt(edited, 'metadata', 'namespace');
  if (namespace !== '' && given !== '' && given !== session.namespace) {
    throw new CliError(
      `the namespace from the provided object ${JSON.stringify(given)} does not match the namespace ${JSON.stringify(session.namespace)}. You must pass '--namespace=${given}' to perform this operation.`,
    );
  }
}

async function patchOne(
  { session, flags }: Invocation,
  { resource, namespace, name, object }: FoundObject,
  edited: AnyObject,
): Promise<void> {
  const original = withoutManagedFields(object);
  const printer = outputFormat(flags).name === '' ? undefined : objectPrinter(flags);
  if (jsonEqual(original, edited)) {
    session.print(printer?.([edited]) ?? `${nameOf(edited)} skipped\n`);
    return;
  }
  const isSame = edited.apiVersion === object.apiVersion && edited.kind === object.kind;
  if (!isSame || edited.metadata.name !== name) {
    throw new CliError('At least one of apiVersion, kind and name was changed');
  }
  const struct = structOfKind(resource.group, resource.version, resource.kind);
  const wanted = flags.bool('save-config') ? withLastApplied(edited) : edited;
  const patch = twoWayPatch(original, wanted, struct);
  if (flags.bool('output-patch')) {
    session.print(`Patch: ${goJson(patch)}\n`);
  }
  const answer = await session.client.request({
    method: 'PATCH',
    path: pathOf(resource, { namespace, name, subresource: flags.text('subresource') }),
    query: writeQuery(flags, 'none', 'kubectl-edit'),
    contentType: `application/${struct === undefined ? 'merge' : 'strategic-merge'}-patch+json`,
    body: patch,
  });
  const patched = asObject(answer);
  session.print(printer?.([patched]) ?? `${nameOf(patched)} edited\n`);
}

interface Refusal {
  readonly error: StatusError;
  readonly outcome: { retryable: number; missing: number };
}

/** @returns what to put above the object when it is edited again */
function complain(
  { session }: Invocation,
  { resource, name }: FoundObject,
  { error, outcome }: Refusal,
): string | undefined {
  const what = `${qualifiedName(resource)} ${JSON.stringify(name)}`;
  if (error.reason === 'Invalid') {
    session.printError(`error: ${what} is invalid\n`);
    const causes = error.details?.causes ?? [];
    const points = causes.map(({ field = '', message = '' }) => `* ${field}: ${message}`);
    return [`${what} was not valid${points.length > 0 ? ':' : ''}`, ...points].join('\n');
  }
  if (error.reason === 'NotFound') {
    outcome.missing += 1;
    session.printError(`error: ${what} could not be found on the server\n`);
  } else {
    outcome.retryable += 1;
    session.printError(`error: ${what} could not be patched: ${error.message}\n`);
  }
  return undefined;
}

async function editLastApplied(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const found = (await findObjects(invocation, { allowsAll: true })).flatMap((target) => {
    const applied = lastAppliedOf(target.object);
    return applied === undefined ? [] : [{ ...target, object: asObject(applied) }];
  });
  if (found.length === 0) {
    throw new CliError(
      'no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`',
    );
  }
  await runEditor(invocation, {
    header: ANNOTATION_HEADER,
    originals: found.map(({ object }) => object),
    save: async (edited) => {
      const { resource, namespace, name, object } = originalOf(found, edited);
      if (jsonEqual(object, edited)) {
        session.print(`${nameOf(edited)} skipped\n`);
        return undefined;
      }
      await session.client.request({
        method: 'PATCH',
        path: pathOf(resource, { namespace, name }),
        query: writeQuery(flags, 'none', 'kubectl-edit'),
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations: { [LAST_APPLIED]: `${goJson(edited)}\n` } } },
      });
      session.print(`${nameOf(edited)} edited\n`);
      return undefined;
    },
    finish: () => undefined,
  });
}
