/** Why a container cannot be configured or started; the reason ends up in its status. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'kubelet/container-config';
  /** `CreateContainerConfigError`, `ErrImagePull`, `RunContainerError`, … */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
