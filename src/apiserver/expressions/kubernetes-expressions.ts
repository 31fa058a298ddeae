import { parseQuantity, QuantityError } from '#api/quantity.ts';
import { kubernetesEnvironment } from '#cel/kubernetes-environment.ts';
import type { Environment } from '#cel/environment.ts';
import type { QuantityOps } from '#cel/library/quantity.ts';

/** Decimal places of the smallest amount there is. */
const NANO_SCALE = 9;

/** The API's own reading of quantities, for expressions. */
export const QUANTITIES: QuantityOps = {
  parse(text) {
    try {
      return { units: parseQuantity(text).nanos, scale: NANO_SCALE };
    } catch (error) {
      if (error instanceof QuantityError) {
        return { error: error.message };
      }
      throw error;
    }
  },
};

let environment: Environment | undefined;

/** What every expression of the API may use; variables are added by whoever evaluates. */
export function kubernetesExpressions(): Environment {
  environment ??= kubernetesEnvironment(QUANTITIES);
  return environment;
}
