import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExtenders } from './extender-configuration.ts';
import { ValueReader } from './value-reader.ts';

test('readExtenders: everything that a configuration says of one', () => {
  const reader = new ValueReader();
  const extenders = readExtenders(
    reader,
    [
      {
        urlPrefix: 'https://127.0.0.1:8443/scheduler',
        filterVerb: 'filter',
        prioritizeVerb: 'prioritize',
        bindVerb: '',
        weight: 5,
        httpTimeout: '2s',
        enableHTTPS: true,
        tlsConfig: { caData: Buffer.from('authority').toString('base64'), serverName: 'extender' },
        nodeCacheCapable: true,
        ignorable: false,
        managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }],
      },
    ],
    'extenders',
  );
  assert.deepEqual(reader.problems, []);
  assert.deepEqual(extenders, [
    {
      urlPrefix: 'https://127.0.0.1:8443/scheduler',
      filterVerb: 'filter',
      prioritizeVerb: 'prioritize',
      nodeCacheCapable: true,
      weight: 5,
      httpTimeoutMs: 2000,
      managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }],
      tls: { ca: 'authority', serverName: 'extender' },
    },
  ]);
});

const URL_PREFIX = { urlPrefix: 'http://extender' };

const REFUSED: readonly (readonly [extenders: readonly object[], problem: string])[] = [
  [[{}], 'extenders[0].urlPrefix: must be a text that is not empty'],
  [
    [{ ...URL_PREFIX, prioritizeVerb: 'score' }],
    'extenders[0].weight: must have a positive weight applied to it',
  ],
  [[{ ...URL_PREFIX, httpTimeout: 'soon' }], 'extenders[0].httpTimeout: must be a duration as 5s'],
  [
    [
      { ...URL_PREFIX, bindVerb: 'bind' },
      { ...URL_PREFIX, bindVerb: 'bind' },
    ],
    'extenders: only one extender can implement bind',
  ],
  [
    [{ ...URL_PREFIX, managedResources: [{ name: 'cpu' }] }],
    'extenders[0].managedResources[0].name: cpu is an invalid extended resource name',
  ],
  [
    [{ ...URL_PREFIX, managedResources: [{ name: 'a.io/x' }, { name: 'a.io/x' }] }],
    'extenders: duplicate extender managed resource name a.io/x',
  ],
  [
    [{ ...URL_PREFIX, tlsConfig: { caFile: '/nowhere/ca.crt' } }],
    'extenders[0].tlsConfig.caFile: /nowhere/ca.crt cannot be read',
  ],
];

for (const [extenders, problem] of REFUSED) {
  test(`readExtenders: ${problem}`, () => {
    const reader = new ValueReader();
    readExtenders(reader, extenders, 'extenders');
    assert.deepEqual(reader.problems, [problem]);
  });
}
