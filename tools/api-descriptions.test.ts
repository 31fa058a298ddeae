import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { RESOURCES, isServedByDefault } from '#api/resource-table.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { Descriptions, type DescriptionFile } from '#apiserver/openapi/descriptions.ts';
import { defined } from '#base/assert.ts';
import { writeDescriptions } from './api-descriptions.ts';

/** More than this is not worth its place in the package. */
const BYTES_MAX = 160 * 1024;

test('descriptions: every served kind has its own, in a small file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'descriptions-'));
  try {
    const path = join(directory, 'file.br');
    const bytes = writeDescriptions(path);
    assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
    const file = JSON.parse(brotliDecompressSync(readFileSync(path)).toString()) as DescriptionFile;
    const descriptions = new Descriptions(file);
    for (const { group, version, kind } of RESOURCES.filter(isServedByDefault)) {
      const struct = defined(structOfKind(group, version, kind), kind);
      assert.notEqual(descriptions.of(struct).text, '', `${kind}.${group} is described`);
    }
    const [, fields] = defined(file['V1PodSpec'], 'the spec of pods');
    assert.match(fields['dnsPolicy'] ?? '', /^Set DNS policy for the pod\. Defaults to "ClusterFirst"\./);
    assert.notEqual(
      file['V1LimitRangeItem']?.[1]['default'],
      undefined,
      'words of the language are fields too',
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});
