import { readFile } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import type { CpuUsage, MemoryUsage } from '#runtime/cri-stats.ts';

/** What the whole machine uses. */
export interface NodeUsage {
  readonly bootedAtMs: number;
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
}

/** The kernel counts CPU time in hundredths of a second. */
const NANOS_PER_TICK = 10_000_000;

/** Reads the machine's use of CPU and memory; the rate of CPU use is that since the reading before. */
export class NodeUsageReader {
  readonly #clock: Clock;
  #last: CpuUsage | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(): Promise<NodeUsage> {
    const [stat, memory] = await Promise.all([text('/proc/stat'), text('/proc/meminfo')]);
    const timestampMs = this.#clock.nowMs();
    const cpu = this.#cpu(stat, timestampMs);
    const bytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(memory)?.[1] ?? 0) * 1024;
    const availableBytes = bytes('MemAvailable');
    const used = bytes('MemTotal') - availableBytes;
    return {
      bootedAtMs: Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000,
      cpu,
      memory: {
        timestampMs,
        availableBytes,
        usageBytes: bytes('MemTotal') - bytes('MemFree'),
        workingSetBytes: used,
        rssBytes: bytes('AnonPages'),
        pageFaults: 0,
        majorPageFaults: 0,
      },
    };
  }

  #cpu(stat: string, timestampMs: number): CpuUsage {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (
      /^cpu +(.*)$/m.exec(stat)?.[1] ?? ''
    )
      .split(' ')
      .map(Number);
    const usageCoreNanoSeconds = (user + nice + system + irq + softIrq + steal) * NANOS_PER_TICK;
    const last = this.#last;
    const elapsedMs = last === undefined ? 0 : timestampMs - last.timestampMs;
    const usage: CpuUsage = {
      timestampMs,
      usageCoreNanoSeconds,
      ...(last === undefined || elapsedMs <= 0
        ? {}
        : {
            usageNanoCores: Math.round(
              ((usageCoreNanoSeconds - last.usageCoreNanoSeconds) * 1000) / elapsedMs,
            ),
          }),
    };
    this.#last = usage;
    return usage;
  }
}

async function text(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
