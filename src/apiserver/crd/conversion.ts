import { StatusError } from '#api/status-error.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { ServiceResolver } from '../admission/webhooks/service-resolver.ts';
import { WebhookClient } from '../admission/webhooks/webhook-client.ts';
import type { DraftObject } from '../registry/strategy.ts';

/** Brings objects of one custom kind from any of its versions into another. */
export interface Conversion {
  /** Set where the fields stay as they are; conversions that are asked of others take time instead. */
  readonly isPlain: boolean;
  /**
   * The objects in the wanted version, in the same order. What already has that version is not touched.
   *
   * @throws {StatusError} when somebody else was asked and has no good answer
   */
  convert(objects: readonly DraftObject[], apiVersion: string): Promise<readonly DraftObject[]>;
}

export interface ConversionDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Finds webhooks that are Services. */
  readonly services: ServiceResolver;
}

/** Conversion `None`: the same fields under another version. */
export function relabelled(object: DraftObject, apiVersion: string): DraftObject {
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

const PLAIN: Conversion = {
  isPlain: true,
  convert: async (objects, apiVersion) => objects.map((object) => relabelled(object, apiVersion)),
};

/** Converts as definitions say. Owns the connections to their webhooks, which are made when they are needed. */
export class Conversions implements Disposable {
  readonly #deps: ConversionDeps;
  #client: WebhookClient | undefined;

  constructor(deps: ConversionDeps) {
    this.#deps = deps;
  }

  of(definition: CustomResourceDefinition): Conversion {
    if (definition.spec.conversion?.strategy !== 'Webhook') {
      return PLAIN;
    }
    return {
      isPlain: false,
      convert: async (objects, apiVersion) => {
        // Loaded for the first object that has to be converted.
        const { convertByWebhook } = await import('./webhook-conversion.ts');
        this.#client ??= new WebhookClient(this.#deps);
        const { random } = this.#deps;
        return convertByWebhook(objects, apiVersion, { definition, random, client: this.#client });
      },
    };
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
  }
}

/** Upstream answers with the bare sentence: the failure is nobody's request's fault. */
export function conversionError(message: string): StatusError {
  return new StatusError({ code: 500, reason: '', message });
}
