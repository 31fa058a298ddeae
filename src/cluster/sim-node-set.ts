import { notSupported } from '#api/status-error.ts';

export class SimNodeSet {
  static start(_deps: unknown, _options: { count: number; podCidr: string }): Promise<SimNodeSet> {
    return Promise.reject(notSupported('sim nodes'));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
