/** A Stage that is none, or asks for what is not supported. */
export class StageError extends Error {
  override readonly name = 'StageError';
  readonly code = 'sim/stage';
}
