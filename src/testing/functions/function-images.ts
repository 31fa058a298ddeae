import { parseImageReference } from '#runtime/image-reference.ts';
import type { ContainerFunction } from './container-function.ts';

/** Functions by the images they stand for. A name without tag and digest stands for all of its tags. */
export class FunctionImages {
  readonly #byFullName = new Map<string, ContainerFunction>();
  readonly #byRepository = new Map<string, ContainerFunction>();

  /** @throws {RuntimeError} a name is none of an image */
  constructor(images: Readonly<Record<string, ContainerFunction>>) {
    for (const [name, program] of Object.entries(images)) {
      const { full, repository } = parseImageReference(name);
      if (/[:@][^/]*$/.test(name)) {
        this.#byFullName.set(full, program);
      } else {
        this.#byRepository.set(repository, program);
      }
    }
  }

  /** What an image named so does; undefined for one that nobody wrote. */
  find(name: string): ContainerFunction | undefined {
    const { full, repository } = parseImageReference(name);
    return this.#byFullName.get(full) ?? this.#byRepository.get(repository);
  }
}
