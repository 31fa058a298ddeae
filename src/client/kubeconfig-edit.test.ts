import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KubeconfigEditor } from './kubeconfig-edit.ts';

/** A directory with two kubeconfig files, gone after the test. */
class TwoFiles implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'coracle-kubeconfig-'));
  readonly first = join(this.directory, 'first');
  readonly second = join(this.directory, 'second');

  constructor() {
    writeFileSync(this.first, 'kind: Config\ncontexts:\n- {name: a, context: {cluster: x, user: u}}\n');
    writeFileSync(
      this.second,
      'kind: Config\ncurrent-context: b\ncontexts:\n- {name: b, context: {cluster: far, user: u}}\n',
    );
  }

  get editor(): KubeconfigEditor {
    return new KubeconfigEditor([this.first, this.second]);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

test('kubeconfig editor: an entry is changed in the file that has it, a new one goes into the first', () => {
  using files = new TwoFiles();
  const { editor, first, second } = files;
  const before = readFileSync(first, 'utf8');
  editor.setEntry('contexts', 'b', { ...editor.entry('contexts', 'b'), namespace: 'there' });
  assert.equal(readFileSync(first, 'utf8'), before);
  assert.match(
    readFileSync(second, 'utf8'),
    /cluster: far\n {4}namespace: there\n {4}user: u\n {2}name: b\n/,
  );
  editor.setEntry('users', 'new', { token: 't' });
  assert.match(readFileSync(first, 'utf8'), /users:\n- name: new\n {2}user:\n {4}token: t\n/);
  assert.equal(statSync(first).mode & 0o777, 0o600);
});

test('kubeconfig editor: the current context is kept where it is said, and an entry can go', () => {
  using files = new TwoFiles();
  const { editor, second } = files;
  editor.setCurrentContext('a');
  assert.match(readFileSync(second, 'utf8'), /current-context: a\n/);
  editor.setEntry('contexts', 'b', undefined);
  assert.equal(editor.entry('contexts', 'b'), undefined);
  assert.deepEqual(editor.entry('contexts', 'a'), { cluster: 'x', user: 'u' });
});

test('kubeconfig editor: files beside it are named from there, others by their whole path', () => {
  using files = new TwoFiles();
  const { editor, first, directory } = files;
  editor.setEntry('clusters', 'x', { 'certificate-authority': join(directory, 'pki/ca.crt') });
  editor.setEntry('clusters', 'y', { 'certificate-authority': '/elsewhere/ca.crt' });
  assert.match(readFileSync(first, 'utf8'), /certificate-authority: pki\/ca\.crt\n/);
  assert.match(readFileSync(first, 'utf8'), /certificate-authority: \/elsewhere\/ca\.crt\n/);
});
