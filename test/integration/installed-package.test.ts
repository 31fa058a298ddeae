import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ApiClient } from '../containers/api-client.fixture.ts';
import { run, type Outcome } from '../containers/shell.fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What the package is made from; the rest of a clone stays where it is. */
const SOURCES = ['bin', 'examples', 'src', 'tools', 'LICENSE', 'README.md', 'package.json', 'tsconfig.json'];
const OFFLINE = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b/;
const INSTALL_MS = 300_000;

const directory = mkdtempSync(join(tmpdir(), 'coracle-installed-'));
const app = join(directory, 'app');
let problem: string | undefined;

before(async () => {
  const clone = join(directory, 'clone');
  mkdirSync(clone);
  for (const name of SOURCES) {
    cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  succeeds(await run([process.execPath, 'tools/build.ts'], { cwd: clone, timeoutMs: INSTALL_MS }));
  const packed = succeeds(await run(['npm', 'pack', '--ignore-scripts', '--silent'], { cwd: clone }));
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"private": true}');
  const archive = join(clone, basename(packed.stdout.trim()));
  const words = ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', archive];
  const installed = await run(words, { cwd: app, timeoutMs: INSTALL_MS });
  if (installed.code !== 0 && OFFLINE.test(installed.stderr)) {
    problem = 'the npm registry is not reachable';
  } else {
    succeeds(installed);
  }
});

after(async () => {
  for (const name of problem === undefined ? ['one', 'two'] : []) {
    await coracle('down', '--data-dir', dataOf(name));
  }
  rmSync(directory, { recursive: true, force: true });
});

function succeeds(outcome: Outcome): Outcome {
  assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
  return outcome;
}

/** Runs the installed program. */
function coracle(...args: string[]): Promise<Outcome> {
  return run([join(app, 'node_modules/.bin/coracle'), ...args], { cwd: app });
}

function dataOf(name: string): string {
  return join(directory, name);
}

async function maps(name: string): Promise<readonly string[]> {
  using client = new ApiClient(join(dataOf(name), 'admin.conf'));
  const list = await client.json<{ items: readonly { metadata: { name: string } }[] }>(
    '/api/v1/namespaces/default/configmaps',
  );
  return list.items.map(({ metadata }) => metadata.name);
}

test('an installed package runs clusters side by side: npx, up, status, kubectl, down', async (t) => {
  if (problem !== undefined) {
    t.skip(problem);
    return;
  }
  const version = succeeds(await run(['npx', '--no-install', 'coracle', 'version'], { cwd: app }));
  assert.match(version.stdout, /^coracle \S+ \(Kubernetes v1\.36\.0, Node \S+\)$/m);
  for (const name of ['one', 'two']) {
    const place = ['--data-dir', dataOf(name)];
    const stopped = await coracle('status', ...place);
    assert.equal(stopped.code, 3, stopped.stdout);
    const up = succeeds(await coracle('up', '--nodes', 'sim:1', '--port', '0', '--detach', ...place));
    assert.match(up.stdout, /^Cluster ready: https:\/\/127\.0\.0\.1:\d+\n {2}export KUBECONFIG=\S+\n$/);
    assert.match(succeeds(await coracle('status', ...place)).stdout, /^Running as process \d+\n/);
    const kubeconfig = ['--kubeconfig', join(dataOf(name), 'admin.conf')];
    const made = await coracle('kubectl', 'create', 'configmap', `of-${name}`, ...kubeconfig);
    assert.equal(succeeds(made).stdout, `configmap/of-${name} created\n`);
  }
  const [one, two] = [await maps('one'), await maps('two')];
  assert.ok(one.includes('of-one') && !one.includes('of-two'), one.join(' '));
  assert.ok(two.includes('of-two') && !two.includes('of-one'), two.join(' '));

  const again = await coracle('up', '--nodes', 'sim:1', '--data-dir', dataOf('one'));
  assert.notEqual(again.code, 0);
  assert.match(again.stderr, /already runs \(process \d+\); stop it with "coracle down"\n$/);

  assert.equal(succeeds(await coracle('down', '--data-dir', dataOf('one'))).stdout, 'Stopped.\n');
  assert.equal((await coracle('status', '--data-dir', dataOf('one'))).code, 3);
  assert.ok((await maps('two')).includes('of-two'), 'the other one runs on');
  succeeds(await coracle('down', '--data-dir', dataOf('two')));
});

test('an installed package says in one sentence what it cannot do', async (t) => {
  if (problem !== undefined) {
    t.skip(problem);
    return;
  }
  const refused = [
    [['up', '--nodes', 'three'], /^coracle up: --nodes takes .*\n$/],
    [['up', '--port', 'eighty'], /^coracle up: .*--port.*\n$/],
    [['nonsense'], /nonsense/],
  ] as const;
  for (const [args, sentence] of refused) {
    const { code, stderr } = await coracle(...args);
    assert.notEqual(code, 0);
    assert.match(stderr, sentence);
  }
});
