import type { Clock } from '#base/clock.ts';
import type { ApiRequest, WatchRequest } from '#client/transport.ts';
import type { TestCluster } from '#testing/test-cluster.ts';
import { UnknownResourceError } from '#testing/target.ts';

/**
 * Programs that watch the cluster over HTTPS and live by the machine's clock. Time of the cluster that passed
 * before they could react would be time in which they did nothing, so it waits until they have been quiet for a
 * while after the last change of anything that they watch and after their own last request.
 */
export class Outsiders {
  readonly #realClock: Clock;
  readonly #cluster: TestCluster;
  #watches = 0;
  #lastMs = -Infinity;

  constructor(cluster: TestCluster, realClock: Clock) {
    this.#cluster = cluster;
    this.#realClock = realClock;
  }

  /** Told of every request of theirs. */
  noteRequest(request: ApiRequest | WatchRequest, ends: AbortSignal): void {
    this.#lastMs = this.#realClock.monotonicMs();
    if (!('verb' in request)) {
      this.#noteWatch(request, ends);
    }
  }

  /** Resolves when nobody watches, or those who do have been quiet for so long. */
  async untilQuiet(patienceMs: number): Promise<void> {
    for (;;) {
      const leftMs = this.#lastMs + patienceMs - this.#realClock.monotonicMs();
      if (this.#watches === 0 || leftMs <= 0) {
        return;
      }
      await this.#realClock.sleep(leftMs);
    }
  }

  #noteWatch({ resource: { group, resource } }: WatchRequest, ends: AbortSignal): void {
    this.#watches++;
    const changes = this.#changesOf(group === '' ? resource : `${resource}.${group}`);
    ends.addEventListener(
      'abort',
      () => {
        this.#watches--;
        changes?.[Symbol.dispose]();
      },
      { once: true },
    );
  }

  #changesOf(word: string): Disposable | undefined {
    try {
      // Looks at every change and never minds one.
      return this.#cluster.watch(word).never(() => {
        this.#lastMs = this.#realClock.monotonicMs();
        return false;
      });
    } catch (error) {
      if (error instanceof UnknownResourceError) {
        return undefined;
      }
      throw error;
    }
  }
}
