/** The figures of the bench, each with a rival's from the same runs. Pure. */

/** The cost of a command. */
export interface Cost {
  wallSeconds: number;
  /** User and system time of all its processes. */
  cpuSeconds: number;
}

/** One quantity, measured several times. */
export interface Sample {
  median: number;
  least: number;
  most: number;
  /** Median of the CPU seconds, beside a median of wall seconds. */
  cpuSeconds?: number;
}

export interface Rival extends Sample {
  name: string;
}

export interface Figure {
  section: string;
  what: string;
  /** `s`, `bytes`, or a plural such as `logins`. */
  unit: string;
  ours: Sample;
  rival?: Rival;
  /** Why there is no rival. */
  missing?: string;
  target?: Target;
  /** Shown in README. */
  headline?: true;
}

export interface Target {
  /** What is limited. `value`: the quantity; `time`: its ratio to the rival's; `ratio`: that, and the ratio of CPU seconds. */
  of: "ratio" | "time" | "value";
  most?: number;
  least?: number;
}

export function sampleOf(values: readonly number[]): Sample {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export function costSample(costs: readonly Cost[]): Sample {
  return {
    ...sampleOf(costs.map(({ wallSeconds }) => wallSeconds)),
    cpuSeconds: median(costs.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

/** A sample of a value that does not vary. */
export function exactly(value: number): Sample {
  return { median: value, least: value, most: value };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** The ratios to the rival: of the quantity, then of CPU seconds if both have them. Empty without a rival. */
export function ratiosOf({ ours, rival }: Figure): number[] {
  if (rival === undefined) return [];
  const cpu =
    ours.cpuSeconds === undefined || rival.cpuSeconds === undefined
      ? []
      : [ours.cpuSeconds / rival.cpuSeconds];
  return [ours.median / rival.median, ...cpu];
}

/** Null without a target, or without a rival to compare with. */
export function isMet(figure: Figure): boolean | null {
  const { target, ours } = figure;
  if (target === undefined) return null;
  const { of, most = Infinity, least = -Infinity } = target;
  const ratios = ratiosOf(figure);
  const values = { value: [ours.median], time: ratios.slice(0, 1), ratio: ratios }[of];
  if (values.length === 0) return null;
  return values.every((value) => value <= most && value >= least);
}
