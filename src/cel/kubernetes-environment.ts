import type { Library } from './declarations.ts';
import { Environment } from './environment.ts';
import { AUTHORIZER } from './library/authorizer.ts';
import { CONVERSIONS } from './library/conversions.ts';
import { FORMAT } from './library/format.ts';
import { KUBERNETES_LISTS, LISTS, SETS } from './library/lists.ts';
import { CIDR, IP } from './library/network.ts';
import { OPERATORS } from './library/operators.ts';
import { OPTIONAL } from './library/optional.ts';
import { quantityLibrary } from './library/quantity.ts';
import type { QuantityOps } from './library/quantity.ts';
import { MATCHES, REGEX } from './library/regex.ts';
import { SEMVER_LIBRARY } from './library/semver.ts';
import { BASIC_STRINGS, STRINGS } from './library/strings.ts';
import { TIME } from './library/time.ts';
import { URLS } from './library/url.ts';

/** What one evaluation of one expression may cost, at most. */
export const PER_CALL_COST_MAX = 1_000_000;
/** What all expressions of a policy binding or a custom resource may cost together. */
export const RUNTIME_COST_BUDGET = 10_000_000;
/** What all match conditions of one webhook or binding may cost together. */
export const MATCH_CONDITIONS_COST_BUDGET = 2_500_000;
/** The largest message an expression may make. */
export const MESSAGE_SIZE_MAX_BYTES = 5 * 1024;
/** The estimate up to which a rule of a CustomResourceDefinition is accepted. */
export const STATIC_ESTIMATED_COST_MAX = 10_000_000;
/** The estimate up to which all rules of a CustomResourceDefinition together are accepted. */
export const STATIC_ESTIMATED_TOTAL_COST_MAX = 100_000_000;

/**
 * The libraries expressions have everywhere in Kubernetes v1.36, and `more` where a place has its own, as mutations
 * have JSON_PATCH. Variables are added by {@link Environment.extend}.
 */
export function kubernetesEnvironment(quantities: QuantityOps, more: readonly Library[] = []): Environment {
  return Environment.of([
    OPERATORS,
    CONVERSIONS,
    BASIC_STRINGS,
    MATCHES,
    TIME,
    OPTIONAL,
    URLS,
    REGEX,
    KUBERNETES_LISTS,
    AUTHORIZER,
    quantityLibrary(quantities),
    STRINGS,
    SETS,
    IP,
    CIDR,
    FORMAT,
    SEMVER_LIBRARY,
    LISTS,
    ...more,
  ]);
}
