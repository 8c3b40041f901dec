// All that is known of one cell, down to its samples.
import {areaY, barX, dot, line, lineY, rectY, ruleX, ruleY, binX, tickX} from '@observablehq/plot';
import {part} from './data.js';
import {axisUnit, chart, chartWidth} from './charts.js';
import {digits, h, quantity, table} from './dom.js';

const mostDots = 3000;

// A cell as the charts want it: figures by name, and what is known of each process together.
function unfolded(data, id) {
  const packed = data.cells[id];
  const times = new Map(packed.times);
  const figures = Object.fromEntries(data.figures.map((name, i) => [name, packed.figures[i]])
    .filter(([, figure]) => figure.length > 0));
  const processes = packed.rounds.map((round, i) => ({round, time: times.get(round),
    samples: packed.samples[i].map((count) => (packed.least[i] + count) * packed.unit),
    memory: packed.memory?.[i] ?? []}));
  return {command: packed.command, figures, processes, failures: packed.failures ?? [],
    histograms: packed.histograms ?? {}};
}

const unitOf = (name) => name.endsWith('_ns') ? 'ns' : name.endsWith('_bytes') ? 'bytes'
  : /ratio|blow_up|mmu/.test(name) ? 'ratio' : 'count';

// [{process, at, value}] of all processes, one after the other.
function samplesOf(cell) {
  const all = [];
  cell.processes.forEach((process, index) => process.samples.forEach((value) =>
    all.push({process: index, round: process.round, at: all.length + 1, value})));
  return all;
}

function every(all, most) {
  const step = Math.ceil(all.length / most);
  return step <= 1 ? all : all.filter((_, i) => i % step === 0);
}

function sampleCharts(view, cell, data) {
  const samples = samplesOf(cell), figure = cell.figures.time_per_op_ns;
  if (samples.length === 0 || !figure) return [];
  const [scale, unit] = axisUnit('ns', samples.map((each) => each.value));
  const [median, low, high] = figure.map((value) => value / scale);
  const dots = every(samples, mostDots);
  const thinned = data.every_sample > 1
    ? ` Every ${data.every_sample}th sample is in this file.` : '';
  const few = dots.length < samples.length ? ` ${dots.length} of ${samples.length} are drawn.` : '';
  const means = cell.processes.filter((process) => process.time !== undefined);
  const head = ['round', `mean, ${unit}/op`, 'samples'];
  const rows = means.map((process) => [String(process.round), digits(process.time / scale),
    String(process.samples.length)]);
  const kind = figure[4] === 1 ? '95 % interval' : 'range';
  return [
    chart({
      id: 'chart-samples', title: 'Samples in time order', width: view.width, head, rows,
      words: `One dot a sample, a shade for each of ${cell.processes.length} processes; the line ` +
        `is the median over processes, ${digits(median)} ${unit}/op, the band its ${kind}.` +
        thinned + few,
      options: {
        x: {label: 'sample', ticks: 5},
        y: {label: `↑ ${unit}/op`, zero: false, grid: true, nice: true},
        marks: [
          areaY([1, samples.length], {x: (x) => x, y1: low, y2: high, fill: 'var(--c1)',
            fillOpacity: 0.18, className: 'band'}),
          ruleY([median], {stroke: 'var(--c1)', strokeWidth: 1.5, className: 'median'}),
          dot(dots, {x: 'at', y: (each) => each.value / scale, r: 2.2, className: 'sample',
            fill: (each) => each.process % 2 === 0 ? 'var(--c2)' : 'var(--c6)',
            fillOpacity: 0.75}),
        ],
      },
    }),
    chart({
      id: 'chart-distribution', title: 'Distribution', width: view.width,
      words: 'How many samples took how long; ticks below are the processes’ means.',
      head, rows,
      options: {
        x: {label: `${unit}/op →`, nice: true, zero: false},
        y: {label: '↑ samples', grid: true},
        marks: [
          rectY(samples, binX({y: 'count'}, {x: (each) => each.value / scale, thresholds: 30,
            fill: 'var(--c2)', className: 'bin'})),
          ruleX([median], {stroke: 'var(--c1)', strokeWidth: 1.5}),
          ruleY([0]),
          tickX(means, {x: (process) => process.time / scale, stroke: 'currentColor',
            strokeWidth: 2, insetTop: 146, className: 'mean'}),
        ],
      },
    }),
  ];
}

function memoryChart(view, cell, data) {
  const readings = [];
  for (const process of cell.processes) {
    for (let i = 0; i + 1 < process.memory.length; i += 2) {
      readings.push({round: process.round, ms: process.memory[i],
        bytes: process.memory[i + 1] * 1024});
    }
  }
  if (readings.length < 2) return [];
  const [scale, unit] = axisUnit('bytes', readings.map((each) => each.bytes));
  const peaks = cell.processes.filter((process) => process.memory.length > 0).map((process) => [
    String(process.round),
    quantity(Math.max(...process.memory.filter((_, i) => i % 2 === 1)) * 1024, 'bytes')]);
  return [chart({
    id: 'chart-memory', title: 'Resident memory over time', width: view.width,
    words: 'From the start line on; a line for each process.' + (data.every_reading > 1
      ? ` Every ${data.every_reading}th reading is in this file.` : ''),
    head: ['round', 'most that was read'], rows: peaks,
    options: {
      x: {label: 'ms →'}, y: {label: `↑ ${unit}`, grid: true, zero: true, nice: true},
      marks: [ruleY([0]), line(every(readings, 2 * mostDots), {x: 'ms',
        y: (each) => each.bytes / scale, z: 'round', stroke: 'var(--c2)', strokeOpacity: 0.8,
        strokeWidth: 1.2, className: 'memory'})],
    },
  })];
}

// A share of all values lies at or below each bound.
function tailChart(view, name, buckets) {
  let total = 0, below = 0;
  for (const [, count] of buckets) total += count;
  const curve = [];
  for (const [bound, count] of buckets) {
    below += count;
    curve.push({rarer: total / Math.max(total - below, 0.5), bound, count});
  }
  if (total < 2) return [];
  const [scale, unit] = axisUnit('ns', curve.map((each) => each.bound));
  const what = name === 'pause_ns' ? 'Pauses' : 'Latency';
  return [chart({
    id: `chart-${name.replace(/[^a-z0-9]+/g, '-')}`, title: `${what} by percentile`,
    width: view.width,
    words: `${total} of them in all processes. Further right is rarer: at 100, one in a hundred ` +
      'was longer.',
    head: [`up to, ${unit}`, 'how many'],
    rows: every(curve, 40).map((each) => [digits(each.bound / scale), String(each.count)]),
    options: {
      x: {type: 'log', label: 'one in … is longer →'},
      y: {type: 'log', label: `↑ ${unit}`, grid: true,
        tickFormat: (value) => String(Number(value.toPrecision(2)))},
      marks: [lineY(curve, {x: 'rarer', curve: 'step-after',
        y: (each) => Math.max(each.bound, 1) / scale, stroke: 'var(--c1)', strokeWidth: 1.8, className: 'tail'})],
    },
  })];
}

function utilizationChart(view, cell) {
  const windows = [[1, 'mmu_1ms'], [10, 'mmu_10ms'], [100, 'mmu_100ms']]
    .filter(([, name]) => cell.figures[name])
    .map(([ms, name]) => ({ms, figure: cell.figures[name]}));
  if (windows.length < 2) return [];
  return [chart({
    id: 'chart-mmu', title: 'Minimum mutator utilization', width: view.width,
    words: 'The least share of any window of this length that the collector left to the program.',
    head: ['window', 'share', 'low', 'high'],
    rows: windows.map(({ms, figure}) => [`${ms} ms`, ...figure.slice(0, 3).map(digits)]),
    options: {
      x: {type: 'log', label: 'window, ms →', ticks: [1, 10, 100], tickFormat: String},
      y: {label: '↑ share', domain: [0, 1], grid: true},
      marks: [
        ruleX(windows, {x: 'ms', y1: (each) => each.figure[1], y2: (each) => each.figure[2],
          stroke: 'var(--c1)'}),
        line(windows, {x: 'ms', y: (each) => each.figure[0], stroke: 'var(--c1)'}),
        dot(windows, {x: 'ms', y: (each) => each.figure[0], fill: 'var(--c1)', className: 'mmu'}),
      ],
    },
  })];
}

// Bars of figures that share a unit, each with its interval.
function barChart(view, cell, {id, title, words, names}) {
  const bars = names.filter(([name]) => cell.figures[name])
    .map(([name, label]) => ({label, unit: unitOf(name), figure: cell.figures[name]}));
  if (bars.every(({figure}) => figure[0] === 0 && figure[2] === 0)) return [];
  const {unit: kind} = bars[0];
  const [scale, unit] = axisUnit(kind, bars.flatMap(({figure}) => figure.slice(0, 3)));
  return [chart({
    id, title, words, width: view.width, height: 64 + 30 * bars.length,
    head: ['which', 'median', 'low', 'high'],
    rows: bars.map(({label, figure}) => [label,
      ...figure.slice(0, 3).map((value) => quantity(value, kind))]),
    options: {
      marginLeft: 110, y: {label: null, domain: bars.map(({label}) => label)},
      x: {label: unit === '' ? null : `${unit} →`, grid: true, ticks: 5, tickFormat: '~s'},
      marks: [
        barX(bars, {y: 'label', x: ({figure}) => figure[0] / scale, fill: 'var(--c2)',
          insetTop: 4, insetBottom: 4, className: 'bar'}),
        line(bars.flatMap(({label, figure}) => [1, 2].map((i) => ({label, x: figure[i] / scale}))),
          {x: 'x', y: 'label', z: 'label', stroke: 'currentColor', strokeWidth: 2}),
        ruleX([0]),
      ],
    },
  })];
}

const bars = [
  {id: 'chart-overhead', title: 'Where CPU time went',
    words: 'CPU time of an op. By cause, beyond what the program itself needs, where the run was ' +
      'made with --overhead-split.',
    names: [['overhead_allocation_ns', 'allocation'], ['overhead_barrier_ns', 'barriers'],
      ['overhead_reclamation_ns', 'reclamation'], ['overhead_interaction_ns', 'interaction'],
      ['collector_cpu_per_op_ns', 'in collections'], ['system_per_op_ns', 'in the kernel'],
      ['cpu_per_op_ns', 'CPU in all']]},
  {id: 'chart-collections', title: 'Collections', words: 'Per invocation, by generation.',
    names: [['collections_gen0', 'youngest'], ['collections_gen1', 'middle'],
      ['collections_gen2', 'full']]},
  {id: 'chart-reclaimed', title: 'Reclaimed objects', words: 'By which collections.',
    names: [['reclaimed_gen0_objects', 'count or gen 0'], ['reclaimed_gen1_objects', 'gen 1'],
      ['reclaimed_gen2_objects', 'full']]},
  {id: 'chart-garbage', title: 'Dead and not reclaimed',
    words: 'Objects that nothing reaches: on average, at the most, and when the work has ended.',
    names: [['floating_garbage_mean_objects', 'mean'], ['floating_garbage_max_objects', 'most'],
      ['unreclaimed_at_end_objects', 'at the end']]},
  {id: 'chart-resident', title: 'Memory', words: 'Resident at the start line and at its peak.',
    names: [['rss_start_bytes', 'at the start'], ['peak_rss_bytes', 'peak'],
      ['peak_live_bytes', 'most requested']]},
];

function figureTable(cell) {
  return table(['figure', 'median', 'low', 'high', 'processes'],
    Object.entries(cell.figures).map(([name, [median, low, high, n, interval]]) => [name,
      ...[median, low, high].map((value) => quantity(value, unitOf(name))),
      `${n}${interval === 1 ? '' : ', range'}`]), 'All figures of the cell');
}

function processTable(cell) {
  if (cell.failures.length === 0) return [];
  return [table(['round', 'outcome', 'reason'],
    cell.failures.map(([round, outcome, reason]) => [String(round), outcome, reason]),
    'Invocations that failed')];
}

function sentences({row, block}) {
  const said = [];
  if (row.outcome) said.push(`${row.outcome}, ${row.ok} of ${row.of} ok. ${row.reason}`);
  if (row.standing === 'winner') said.push('It leads its comparison.');
  if (row.standing === 'tied') said.push('It shares the top group of its comparison.');
  if (row.to_best && row.to_best[1] !== 1) {
    const [low, high] = row.to_best;
    said.push(`It takes ${high === undefined ? `at least ${digits(low)}`
      : `${digits(low)} to ${digits(high)}`} times the best one’s time (95 % sure of all in the ` +
      'comparison).');
  }
  if (row.dominated_by) {
    said.push(`In time and peak memory together ${row.dominated_by} is proven better.`);
  }
  if (block.oversubscribed) said.push('More threads than cores: not ranked.');
  if (row.warnings) said.push(...row.warnings.map((each) => `Note: ${each}.`));
  if (block.op) said.push(`An op is ${block.op}.`);
  return h('p', {}, `${block.title}. ${said.join(' ')}`);
}

function command(text) {
  return h('p', {class: 'command'}, 'Once more: ', h('code', {}, text), ' ',
    h('button', {type: 'button', onclick: async (event) => {
      await navigator.clipboard.writeText(text);
      event.target.textContent = 'copied';
    }}, 'copy'));
}

let shown = 0;

export async function showCell(page, scroll) {
  const found = page.model.cells.get(Number(page.state.cell));
  const place = document.getElementById('cell-view');
  if (!found) {
    const text = page.state.cell ? `There is no cell ${page.state.cell} here.`
      : 'Choose a cell in the matrix.';
    place.replaceChildren(h('p', {}, text));
    return;
  }
  const turn = ++shown;
  const data = await part(`b${found.block.index}`);
  if (turn !== shown) return;
  const cell = unfolded(data, found.row.id);
  const name = page.model.names[found.row.name];
  const charts = h('div', {class: 'charts'});
  place.replaceChildren(h('h3', {id: 'cell-title'}, `${name}, ${found.block.brief}`),
    sentences(found),
    command(cell.command), charts, ...processTable(cell),
    h('details', {class: 'block'}, h('summary', {}, 'All figures of the cell'), figureTable(cell)));
  const view = {width: chartWidth(charts)};
  charts.append(...sampleCharts(view, cell, data), ...memoryChart(view, cell, data),
    ...Object.entries(cell.histograms).flatMap(([each, buckets]) => tailChart(view, each, buckets)),
    ...utilizationChart(view, cell), ...bars.flatMap((each) => barChart(view, cell, each)));
  if (!scroll) return;
  const section = document.getElementById('cell');
  section.scrollIntoView();
  section.focus({preventScroll: true});
}
