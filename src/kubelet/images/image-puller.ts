import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/log.ts';
import { formatDurationNanos } from '#api/time.ts';
import type { Pod, Secret } from '#api/types/core.v1.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { RuntimeError, type Image, type ImageService, type PodSandboxConfig } from '#runtime/cri.ts';
import { parseImageReference } from '#runtime/image-reference.ts';
import { ConfigError } from '../container/config-error.ts';
import type { ConfigSources } from '../container/config-sources.ts';
import { Backoff } from '../pod/backoff.ts';
import { fieldPathOf, type AnyContainer } from '../pod/pod-containers.ts';
import { credentialsFor } from './registry-credentials.ts';

export interface ImagePullerDeps {
  readonly images: ImageService;
  readonly sources: ConfigSources;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

export interface PulledImage {
  /** For `createContainer`. */
  readonly ref: string;
  readonly image: Image | undefined;
}

interface Failure {
  readonly atMs: number;
  readonly text: string;
}

/** Brings the image of a container to the node, as its pull policy says, and tells of it in events. */
export class ImagePuller {
  readonly #deps: ImagePullerDeps;
  readonly #backoff: Backoff;
  readonly #failures = new Map<string, Failure>();

  constructor(deps: ImagePullerDeps) {
    this.#deps = deps;
    this.#backoff = new Backoff(deps.clock);
  }

  /** @throws {ConfigError} `ErrImagePull`, `ImagePullBackOff`, `ErrImageNeverPull`, `InvalidImageName`, … */
  async ensure(
    pod: Pod,
    container: AnyContainer,
    sandboxConfig: PodSandboxConfig,
    signal: AbortSignal,
  ): Promise<PulledImage> {
    const name = container.image ?? '';
    const tell = this.#teller(pod, container);
    const repository = repositoryOf(name, tell);
    const present = await this.#inspect(name, tell);
    const policy = container.imagePullPolicy ?? (/:latest$|^[^:@]+$/.test(name) ? 'Always' : 'IfNotPresent');
    if (present !== undefined && policy !== 'Always') {
      tell(
        'Normal',
        'Pulled',
        `Container image "${name}" already present on machine and can be accessed by the pod`,
      );
      return { ref: present.id, image: present };
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      tell('Warning', 'ErrImageNeverPull', message);
      throw new ConfigError('ErrImageNeverPull', message);
    }
    this.#refuseDuringBackoff(pod, name, tell);
    const ref = await this.#pull(pod, { name, repository, sandboxConfig, tell, signal });
    return { ref, image: await this.#inspect(ref, tell) };
  }

  /** When the next pull of a refused image may happen, in wall time; undefined when it may now. */
  blockedUntilMs(pod: Pod, image: string): number | undefined {
    const key = backoffKey(pod, image);
    const failure = this.#failures.get(key);
    return failure === undefined ? undefined : this.#backoff.blockedUntilMs(key, failure.atMs);
  }

  forget(pod: Pod): void {
    const prefix = `${pod.metadata.uid}_`;
    this.#backoff.forget(prefix);
    for (const key of this.#failures.keys()) {
      if (key.startsWith(prefix)) {
        this.#failures.delete(key);
      }
    }
  }

  #refuseDuringBackoff(pod: Pod, name: string, tell: Tell): void {
    if (this.blockedUntilMs(pod, name) === undefined) {
      return;
    }
    const message = `Back-off pulling image "${name}"`;
    tell('Normal', 'BackOff', message);
    const cause = this.#failures.get(backoffKey(pod, name))?.text ?? '';
    throw new ConfigError('ImagePullBackOff', `${message}: ErrImagePull: ${cause}`);
  }

  async #pull(pod: Pod, pull: Pull): Promise<string> {
    const { name, tell } = pull;
    const { clock } = this.#deps;
    const key = backoffKey(pod, name);
    tell('Normal', 'Pulling', `Pulling image "${name}"`);
    const startMs = clock.monotonicMs();
    try {
      const ref = await this.#pullWithCredentials(pod, pull);
      this.#failures.delete(key);
      const took = formatDurationNanos(BigInt(Math.round(clock.monotonicMs() - startMs)) * 1_000_000n);
      const size = (await this.#deps.images.imageStatus({ image: ref }))?.size ?? 0;
      tell(
        'Normal',
        'Pulled',
        `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${size} bytes.`,
      );
      return ref;
    } catch (error) {
      if (pull.signal.aborted) {
        throw error;
      }
      const text = describeError(error);
      tell('Warning', 'Failed', `Failed to pull image "${name}": ${text}`);
      const atMs = clock.nowMs();
      this.#backoff.next(key, atMs);
      this.#failures.set(key, { atMs, text });
      throw new ConfigError('ErrImagePull', text, { cause: error });
    }
  }

  /** With each fitting credential in turn; without one when there is none. */
  async #pullWithCredentials(pod: Pod, { name, repository, sandboxConfig, signal }: Pull): Promise<string> {
    const { images } = this.#deps;
    const secrets = await this.#pullSecrets(pod, signal);
    const candidates = credentialsFor(repository, secrets);
    let refusal: unknown;
    for (const auth of candidates.length === 0 ? [undefined] : candidates) {
      try {
        const options = { sandboxConfig, signal, ...(auth === undefined ? {} : { auth }) };
        return await images.pullImage({ image: name, userSpecifiedImage: name }, options);
      } catch (error) {
        if (!(error instanceof RuntimeError && error.code === 'image-unauthorized')) {
          throw error;
        }
        refusal = error;
      }
    }
    throw refusal;
  }

  async #pullSecrets(pod: Pod, signal: AbortSignal): Promise<readonly Secret[]> {
    const names = (pod.spec.imagePullSecrets ?? [])
      .map(({ name = '' }) => name)
      .filter((name) => name !== '');
    const found = await Promise.all(
      names.map((name) => this.#deps.sources.secret(pod.metadata.namespace, name, signal)),
    );
    const missing = names.filter((_, index) => found[index] === undefined);
    if (missing.length > 0) {
      const list = missing.join(', ');
      this.#deps.events.event(
        pod,
        'Warning',
        'FailedToRetrieveImagePullSecret',
        `Unable to retrieve some image pull secrets (${list}); attempting to pull the image may not succeed.`,
      );
    }
    return found.filter((secret) => secret !== undefined);
  }

  async #inspect(image: string, tell: Tell): Promise<Image | undefined> {
    try {
      return await this.#deps.images.imageStatus({ image });
    } catch (error) {
      const message = `Failed to inspect image "${image}": ${describeError(error)}`;
      tell('Warning', 'InspectFailed', message);
      throw new ConfigError('ImageInspectError', message, { cause: error });
    }
  }

  #teller(pod: Pod, container: AnyContainer): Tell {
    const target = { object: pod, fieldPath: fieldPathOf(pod, container.name) };
    return (type, reason, message) => this.#deps.events.event(target, type, reason, message);
  }
}

type Tell = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

interface Pull {
  readonly name: string;
  readonly repository: string;
  readonly sandboxConfig: PodSandboxConfig;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

function backoffKey(pod: Pod, image: string): string {
  return `${pod.metadata.uid}_${image}`;
}

function repositoryOf(name: string, tell: Tell): string {
  try {
    return parseImageReference(name).repository;
  } catch (error) {
    const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
    tell('Warning', 'InspectFailed', message);
    throw new ConfigError('InvalidImageName', message, { cause: error });
  }
}
