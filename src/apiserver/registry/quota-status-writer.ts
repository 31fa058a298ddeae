import { assert } from '#base/assert.ts';
import { RESOURCE_QUOTA } from '#api/types/resources.ts';
import type { QuotaStatusWriter } from '../admission/resource-quota/resource-quota.ts';
import { ALL_AUTHENTICATED, SYSTEM_MASTERS } from '../authn/user.ts';
import type { Registry } from './registry.ts';
import type { DraftObject } from './strategy.ts';
import { updateObject } from './update.ts';

/** Writes quota usage as the server itself, on the condition that nobody else wrote it meanwhile. */
export function quotaStatusWriter(registry: Registry): QuotaStatusWriter {
  return {
    async updateStatus(quota) {
      const storage = registry.storage(RESOURCE_QUOTA);
      assert(storage !== undefined, 'quotas are served');
      const { namespace, name } = quota.metadata;
      await updateObject(
        storage,
        { namespace, name, subresource: 'status' },
        // Quotas are objects of their storage's kind.
        { produce: () => quota as unknown as DraftObject },
        {
          user: { name: 'system:apiserver', groups: [SYSTEM_MASTERS, ALL_AUTHENTICATED], extra: {} },
          isDryRun: false,
          fieldManager: 'kube-apiserver',
          fieldValidation: 'Ignore',
          warnings: [],
        },
      );
    },
  };
}
