import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KubectlPlace, type Outcome, upstreamKubectl } from './kubectl-twin.fixture.ts';
import { CHANGE_SCRIPTS, FILES, type Line } from './kubectl-changes.fixture.ts';

const program = upstreamKubectl();
const skip = program === undefined ? 'there is no kubectl on the PATH to compare with' : false;

/** What is left at the end of a script. */
const LEFT =
  'nodes,configmaps,secrets,services,deployments,replicasets,cronjobs,rolebindings,clusterrolebindings';

let mine: KubectlPlace;
let theirs: KubectlPlace;

before(async () => {
  if (skip !== false) {
    return;
  }
  mine = await KubectlPlace.open({ nodes: 2, hasComponents: false });
  theirs = await KubectlPlace.open({ nodes: 2, hasComponents: false });
  for (const place of [mine, theirs]) {
    for (const [name, content] of Object.entries(FILES)) {
      place.write(name, content);
    }
  }
});

after(async () => {
  if (skip === false) {
    await mine[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
  }
});

for (const [name, lines] of Object.entries(CHANGE_SCRIPTS)) {
  test(`kubectl ${name}: the same words, codes and objects as upstream's`, { skip }, async () => {
    const differences: string[] = [];
    for (const line of lines) {
      const { args, input, env } = parsed(line);
      const us = plain(await mine.ours(at(mine, args), input, env), mine);
      const them = plain(await theirs.upstreams(program ?? '', at(theirs, args), input, env), theirs);
      if (JSON.stringify(us) !== JSON.stringify(them)) {
        differences.push(`$ kubectl ${args.join(' ')}\nours ${shown(us)}upstream's ${shown(them)}`);
      }
    }
    assert.ok(differences.length === 0, differences.join('\n'));
    assert.deepEqual(await left(mine), await left(theirs));
  });
}

function parsed(line: Line): {
  readonly args: readonly string[];
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
} {
  const { line: words, input = '', env = {} } = typeof line === 'string' ? { line } : line;
  return { args: words.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [], input, env };
}

function at({ directory }: KubectlPlace, args: readonly string[]): readonly string[] {
  return args.map((arg) => arg.replaceAll('{dir}', directory));
}

/** Without what is different from run to run. */
function plain({ code, stdout, stderr }: Outcome, { directory }: KubectlPlace): Outcome {
  const clean = (text: string): string =>
    text
      .replaceAll(directory, '{dir}')
      .replaceAll(/127\.0\.0\.1:\d+/g, '{host}')
      .replaceAll(/\b(LIVE|MERGED)-\w+/g, '$1')
      // A warning of the client's own, with the time in front.
      .replaceAll(/^W\d{4} .*\n/gm, '')
      .replaceAll(/\/tmp\/kubectl-edit-\S+\.yaml/g, '{edited}')
      .replaceAll(/^(---|\+\+\+) (\S+)\t.*$/gm, '$1 $2')
      .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, '{uid}')
      .replaceAll(/resourceVersion: "\d+"/g, 'resourceVersion: {version}');
  return { code, stdout: clean(stdout), stderr: clean(stderr) };
}

function shown({ code, stdout, stderr }: Outcome): string {
  return `(code ${code})\n${stdout}--- stderr\n${stderr}`;
}

/** The objects, without what each cluster gives its own. */
async function left(place: KubectlPlace): Promise<unknown> {
  const { stdout } = await place.ours(['get', LEFT, '-o', 'json']);
  return JSON.parse(stdout, (key, value: unknown) =>
    ['uid', 'resourceVersion', 'creationTimestamp', 'lastHeartbeatTime', 'lastTransitionTime'].includes(key)
      ? undefined
      : value,
  );
}
