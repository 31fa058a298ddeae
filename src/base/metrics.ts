/** Label values in the order in which the metric declared its label names. */
export type LabelValues = readonly string[];

interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Different label combinations one metric may hold; later ones are counted under `overflow`. */
const SERIES_MAX = 10_000;

/** A value that only grows, per combination of labels. */
export class Counter {
  readonly options: MetricOptions;
  readonly type = 'counter';
  readonly #series = new Map<string, { readonly labels: LabelValues; value: number }>();

  constructor(options: MetricOptions) {
    this.options = options;
  }

  /** Adds `amount` (at least 0). */
  inc(labels: LabelValues = [], amount = 1): void {
    seriesOf(this.#series, labels, (kept) => ({ labels: kept, value: 0 })).value += amount;
  }

  /** The series of these labels itself: for paths on which looking it up each time would cost too much. */
  series(labels: LabelValues = []): { value: number } {
    return seriesOf(this.#series, labels, (kept) => ({ labels: kept, value: 0 }));
  }

  value(labels: LabelValues = []): number {
    return this.#series.get(labels.join('\0'))?.value ?? 0;
  }

  render(): string[] {
    return [...this.#series.values()].map(
      ({ labels, value }) =>
        `${this.options.name}${renderLabels(this.options.labels ?? [], labels)} ${value}`,
    );
  }
}

/** A value that goes up and down, set by its owner or read when the metrics are scraped. */
export class Gauge {
  readonly options: MetricOptions;
  readonly type = 'gauge';
  readonly #series = new Map<string, { readonly labels: LabelValues; value: number }>();
  readonly #read: (() => number) | undefined;

  /** @param read computes the one unlabelled value at scrape time */
  constructor(options: MetricOptions, read?: () => number) {
    this.options = options;
    this.#read = read;
  }

  set(value: number, labels: LabelValues = []): void {
    seriesOf(this.#series, labels, (kept) => ({ labels: kept, value: 0 })).value = value;
  }

  add(delta: number, labels: LabelValues = []): void {
    seriesOf(this.#series, labels, (kept) => ({ labels: kept, value: 0 })).value += delta;
  }

  /** The series of these labels itself: for paths on which looking it up each time would cost too much. */
  series(labels: LabelValues = []): { value: number } {
    return seriesOf(this.#series, labels, (kept) => ({ labels: kept, value: 0 }));
  }

  /** Forgets what is no longer there to be measured. */
  delete(labels: LabelValues): void {
    this.#series.delete(labels.join('\0'));
  }

  value(labels: LabelValues = []): number {
    return this.#read?.() ?? this.#series.get(labels.join('\0'))?.value ?? 0;
  }

  render(): string[] {
    if (this.#read !== undefined) {
      return [`${this.options.name} ${this.#read()}`];
    }
    return [...this.#series.values()].map(
      ({ labels, value }) =>
        `${this.options.name}${renderLabels(this.options.labels ?? [], labels)} ${value}`,
    );
  }
}

export interface HistogramSeries {
  readonly labels: LabelValues;
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Counts observations in buckets with inclusive upper bounds, ascending. */
export class Histogram {
  readonly options: MetricOptions & { readonly buckets: readonly number[] };
  readonly type = 'histogram';
  readonly #series = new Map<string, HistogramSeries>();

  constructor(options: MetricOptions & { readonly buckets: readonly number[] }) {
    this.options = options;
  }

  observe(value: number, labels: LabelValues = []): void {
    this.observeIn(this.series(labels), value);
  }

  /** The series of these labels itself, for {@link observeIn}. */
  series(labels: LabelValues = []): HistogramSeries {
    return seriesOf(this.#series, labels, (kept) => ({
      labels: kept,
      counts: Array.from<number>({ length: this.options.buckets.length }).fill(0),
      sum: 0,
      count: 0,
    }));
  }

  /** Counts an observation where looking the series up each time would cost too much. */
  observeIn(series: HistogramSeries, value: number): void {
    series.sum += value;
    series.count += 1;
    const { buckets } = this.options;
    for (let index = 0; index < buckets.length; index++) {
      if (value <= (buckets[index] ?? Infinity)) {
        series.counts[index] = (series.counts[index] ?? 0) + 1;
        return;
      }
    }
  }

  render(): string[] {
    const names = this.options.labels ?? [];
    return [...this.#series.values()].flatMap(({ labels, counts, sum, count }) => {
      let cumulative = 0;
      const lines = this.options.buckets.map((bound, index) => {
        cumulative += counts[index] ?? 0;
        return `${this.options.name}_bucket${renderLabels([...names, 'le'], [...labels, String(bound)])} ${cumulative}`;
      });
      return [
        ...lines,
        `${this.options.name}_bucket${renderLabels([...names, 'le'], [...labels, '+Inf'])} ${count}`,
        `${this.options.name}_sum${renderLabels(names, labels)} ${sum}`,
        `${this.options.name}_count${renderLabels(names, labels)} ${count}`,
      ];
    });
  }
}

export type Metric = Counter | Gauge | Histogram;

/** The metrics of one process or one in-process cluster; never a global, so that two clusters do not mix. */
export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>();

  /** Adds a metric; a second one of the same name is returned as the first, so that parts may share it. */
  register<M extends Metric>(metric: M): M {
    const existing = this.#metrics.get(metric.options.name);
    if (existing?.type === metric.type) {
      // The same name and type were declared before; the declaration order decides which object lives.
      return existing as M;
    }
    this.#metrics.set(metric.options.name, metric);
    return metric;
  }

  /** The Prometheus text exposition format, version 0.0.4. */
  render(): string {
    const lines: string[] = [];
    for (const metric of [...this.#metrics.values()].toSorted((a, b) =>
      a.options.name < b.options.name ? -1 : 1,
    )) {
      lines.push(`# HELP ${metric.options.name} ${metric.options.help}`);
      lines.push(`# TYPE ${metric.options.name} ${metric.type}`, ...metric.render());
    }
    return `${lines.join('\n')}\n`;
  }
}

function seriesOf<S>(series: Map<string, S>, labels: LabelValues, create: (labels: LabelValues) => S): S {
  const key = labels.join('\0');
  const existing = series.get(key);
  if (existing !== undefined) {
    return existing;
  }
  const isFull = series.size >= SERIES_MAX;
  const kept = isFull ? labels.map(() => 'overflow') : labels;
  const keptKey = isFull ? kept.join('\0') : key;
  const created = series.get(keptKey) ?? create(kept);
  series.set(keptKey, created);
  return created;
}

function renderLabels(names: readonly string[], values: LabelValues): string {
  if (names.length === 0) {
    return '';
  }
  const pairs = names.map((name, index) => `${name}="${escapeLabel(values[index] ?? '')}"`);
  return `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
