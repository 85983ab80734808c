import uPlot from 'uplot';
import type { Row } from './wire';

// Okabe and Ito: told apart by colour-blind people too; the same as in tools/report/chart.cpp.
export const palette = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#999999'];

export interface RunData {
  name: string;
  rows: Row[];
  colour: string;
}
interface Line {
  key: string; // of a row
  label: string;
  kind?: string; // of the rows; "train" unless it is said
  each?: boolean; // the row has a list: a dot for each of its numbers
  dots?: boolean;
  right?: boolean;
  named?: boolean; // the row has an object: a line for each of its names
}
interface Diagram {
  title: string;
  only?: string; // shown when some run has rows of this kind
  lines: Line[];
}

export const diagrams: Diagram[] = [
  {
    title: 'score',
    lines: [
      { key: 'mean_score_100', label: 'last 100 games' },
      { key: 'max_score', label: 'best game' },
      { key: 'scores', label: 'each game', dots: true, each: true },
      { key: 'mean', label: 'evaluation', kind: 'evaluation', dots: true },
      { key: 'mean', label: 'confirmed', kind: 'confirmation', dots: true },
    ],
  },
  { title: 'loss', lines: [{ key: 'loss', label: 'loss' }] },
  { title: 'Q value', lines: [{ key: 'mean_q', label: 'mean Q' }] },
  { title: 'gradient norm', lines: [{ key: 'gradient_norm', label: 'norm' }] },
  {
    title: 'exploration',
    lines: [
      { key: 'epsilon', label: 'epsilon' },
      { key: 'sigma', label: 'sigma', right: true },
      { key: 'sigma_layers', label: '', right: true, named: true },
    ],
  },
  { title: 'learning rate', lines: [{ key: 'learning_rate', label: 'rate' }] },
  {
    title: 'speed',
    lines: [
      { key: 'frames_per_s', label: 'frames/s' },
      { key: 'updates_per_s', label: 'updates/s', right: true },
    ],
  },
  { title: 'replay', lines: [{ key: 'replay_size', label: 'steps held' }] },
  {
    title: 'bridge latency, us',
    only: 'bridge',
    lines: [
      { key: 'p50_us', label: '50 %', kind: 'bridge' },
      { key: 'p99_us', label: '99 %', kind: 'bridge' },
      { key: 'p999_us', label: '99.9 %', kind: 'bridge' },
    ],
  },
];

function smoothed(values: (number | null)[], weight: number): (number | null)[] {
  if (weight === 0) return values;
  let mean = 0;
  let share = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return mean / share;
  });
}

export interface View {
  axis: 'frames' | 'minutes';
  smooth: number;
  log: boolean;
}

function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return +(value / 1e6).toPrecision(4) + 'M';
  if (size >= 1e4) return +(value / 1e3).toPrecision(4) + 'k';
  if (size > 0 && size < 0.001) return value.toExponential(0);
  return String(+value.toPrecision(4));
}

// One diagram of the page. Several runs are laid over each other: a colour for each, the first line alone.
export class ChartBox {
  private plot: uPlot | null = null;
  private shape = '';
  private readonly box = document.createElement('div');

  constructor(
    private readonly diagram: Diagram,
    parent: HTMLElement,
  ) {
    this.box.className = 'chart';
    this.box.dataset.title = diagram.title;
    parent.append(this.box);
  }

  unzoom(): void {
    const xs = this.plot?.data[0];
    if (this.plot && xs && xs.length > 0) this.plot.setScale('x', { min: xs[0], max: xs[xs.length - 1] });
  }

  resize(): void {
    this.plot?.setSize(this.size());
  }

  show(runs: RunData[], view: View, afresh: boolean): void {
    const { only } = this.diagram;
    this.box.hidden = only !== undefined && !runs.some((run) => run.rows.some((row) => row.kind === only));
    if (this.box.hidden) return;
    const alone = runs.length <= 1;
    const lines = (alone ? this.diagram.lines : this.diagram.lines.slice(0, 1)).flatMap((line): Line[] => {
      if (!line.named) return [line];
      const last = runs.flatMap((run) => run.rows).findLast((row) => row[line.key] !== undefined);
      return Object.keys((last?.[line.key] as object) ?? {}).map((name) => ({ ...line, label: name }));
    });
    const tables: uPlot.AlignedData[] = [];
    const series: uPlot.Series[] = [{ label: view.axis === 'frames' ? 'frames' : 'min', value: (_, x) => (x === null ? '' : short(x)) }];
    for (const run of runs) {
      lines.forEach((line, i) => {
        const rows = run.rows.filter((row) => row.kind === (line.kind ?? 'train') && row[line.key] !== undefined);
        const at = (row: Row) => (view.axis === 'frames' ? row.frames : Number(row.elapsed_s) / 60);
        const points = rows.flatMap((row, k): [number, number][] => {
          if (line.named) return [[at(row), (row[line.key] as Record<string, number>)[line.label]]];
          if (!line.each) return [[at(row), Number(row[line.key])]];
          // Spread over the time since the row before: when exactly they ended is not kept.
          const list = row[line.key] as number[];
          const from = k > 0 ? at(rows[k - 1]) : 0;
          return list.map((score, n) => [from + ((n + 1) / list.length) * (at(row) - from), score]);
        });
        const xs = points.map(([x]) => x);
        const ys = points.map(([, y]) => (view.log && y <= 0 ? null : y));
        tables.push([xs, line.dots ? ys : smoothed(ys, view.smooth)] as uPlot.AlignedData);
        const colour = alone ? palette[i % palette.length] : run.colour;
        series.push({
          label: alone ? line.label : run.name,
          stroke: colour,
          width: 1.6,
          scale: line.right ? 'right' : 'y',
          paths: line.dots ? () => null : undefined,
          points: line.dots ? { show: true, size: line.each ? 2 : 6, fill: colour } : { show: false },
          value: (_, y) => (y === null ? '' : short(y)),
          spanGaps: !line.dots,
        });
      });
    }
    const data = tables.length > 0 ? uPlot.join(tables) : ([[]] as unknown as uPlot.AlignedData);
    const shape = JSON.stringify([series.map((one) => [one.label, one.stroke]), view.axis, view.log]);
    if (this.plot && shape === this.shape && !afresh) {
      const before = this.plot.data[0];
      const scale = this.plot.scales.x;
      const zoomed = before.length > 1 && ((scale.min ?? 0) > before[0] || (scale.max ?? 0) < before[before.length - 1]);
      this.plot.setData(data, !zoomed);
      return;
    }
    this.shape = shape;
    this.plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue('--ink').trim();
    const grid = { stroke: style.getPropertyValue('--line').trim(), width: 1 };
    const values = (_: uPlot, splits: number[]) => splits.map((split) => (split === null ? '' : short(split)));
    const axes: uPlot.Axis[] = [
      { stroke: ink, grid, ticks: grid, values },
      { stroke: ink, grid, ticks: grid, values, size: 52 },
    ];
    if (lines.some((line) => line.right)) axes.push({ scale: 'right', side: 1, stroke: ink, grid: { show: false }, values, size: 52 });
    const distribution = view.log ? 3 : 1;
    this.plot = new uPlot(
      {
        ...this.size(),
        title: this.diagram.title,
        series,
        axes,
        scales: { x: { time: false }, y: { distr: distribution }, right: { distr: distribution } },
        cursor: { drag: { x: true, y: false }, sync: { key: 'runs' } },
      },
      data,
      this.box,
    );
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(220, this.box.clientWidth - 10), height: 210 };
  }
}
