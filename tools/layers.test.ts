import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceFiles } from './source-files.ts';

const NODE_PARTS = ['base', 'api', 'codec', 'client'];

/** Who may import whom, bottom to top. A folder may always import itself. ARCHITECTURE.md explains the order. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  api: ['base'],
  cel: ['base'],
  codec: ['base', 'api'],
  store: ['base'],
  client: ['base', 'api', 'codec'],
  apiserver: ['base', 'api', 'cel', 'codec', 'store'],
  controllers: NODE_PARTS,
  operator: [...NODE_PARTS, 'controllers'],
  scheduler: NODE_PARTS,
  runtime: ['base'],
  kubelet: [...NODE_PARTS, 'runtime'],
  proxy: ['base', 'api', 'client'],
  network: ['base', 'api', 'client'],
  dns: ['base', 'api', 'client'],
  ingress: ['base', 'api', 'client'],
  cli: NODE_PARTS,
  dashboard: ['api'],
};

/** The composition root, and its published door for tests, wire everything and may see everything. */
const COMPOSITION = new Set(['cluster', 'testing']);

/** npm packages by the only folders that may know them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  lmdb: ['store'],
  '@grpc/grpc-js': ['store', 'apiserver'],
  'js-yaml': ['codec'],
  ws: ['apiserver', 'kubelet', 'client', 'cli', 'test'],
  'dns-packet': ['dns'],
  'modern-tar': ['runtime', 'cli'],
};

const IMPORT =
  /(?:^|\n)\s*import\b[^'";]*?(?:\bfrom\s*)?['"]([^'"]+)['"]|(?:^|\n)\s*export\b[^'";=]*\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

test('layers: source imports respect the table', () => {
  const violations: string[] = [];
  for (const { path, text } of sourceFiles('src')) {
    const from = path.split('/')[1] ?? '';
    assert.ok(from in LAYERS || COMPOSITION.has(from), `src/${from} is not in the layer table`);
    for (const target of importsOf(text)) {
      const to = /^#(\w+)\//.exec(target)?.[1];
      const isTest = path.endsWith('.test.ts') || path.endsWith('.fixture.ts');
      if (to !== undefined && to !== from && !COMPOSITION.has(from) && !(LAYERS[from] ?? []).includes(to)) {
        // A test may stand its subject on the in-process cluster; the shipped code may not.
        if (!(isTest && (COMPOSITION.has(to) || to === 'apiserver' || to === 'store'))) {
          violations.push(`${path}: ${from} may not import ${to}`);
        }
      }
    }
  }
  assert.deepEqual(violations, []);
});

test('layers: relative imports stay inside their folder', () => {
  const violations: string[] = [];
  for (const { path, text } of sourceFiles('src')) {
    const depth = path.split('/').length - 3;
    for (const target of importsOf(text)) {
      const climbs = target.split('/').filter((part) => part === '..').length;
      // Tests may reach the generators in tools.
      if (target.startsWith('.') && climbs > depth && !path.endsWith('.test.ts')) {
        violations.push(`${path}: "${target}" leaves its folder; write #layer/file.ts`);
      }
    }
  }
  assert.deepEqual(violations, []);
});

test('layers: npm packages are imported only where the table says', () => {
  const violations: string[] = [];
  for (const { path, text } of sourceFiles('src')) {
    const from = path.split('/')[1] ?? '';
    for (const target of importsOf(text)) {
      if (target.startsWith('.') || target.startsWith('#') || target.startsWith('node:')) {
        continue;
      }
      const name = target.startsWith('@')
        ? target.split('/').slice(0, 2).join('/')
        : (target.split('/')[0] ?? '');
      if (
        !(Object.hasOwn(PACKAGES, name) && (PACKAGES[name] ?? []).includes(from)) &&
        !(/\.(?:test|fixture)\.ts$/.test(path) && name === 'fast-check')
      ) {
        violations.push(`${path}: ${name} is not for ${from}`);
      }
    }
  }
  assert.deepEqual(violations, []);
});

test('layers: generic client machinery names no concrete kind', () => {
  const concrete = /#api\/types\/(?!meta)|\b(?:Pod|Deployment|ReplicaSet|Service)\b(?!Account)/;
  const generic = ['src/client/informer.ts', 'src/client/work-queue.ts', 'src/client/client.ts'];
  const violations = sourceFiles('src/client')
    .filter(
      ({ path, text }) =>
        generic.includes(path) && concrete.test(text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')),
    )
    .map(({ path }) => path);
  assert.deepEqual(violations, []);
});
