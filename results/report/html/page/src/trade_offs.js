// Time against memory with the front, scaling over threads, and time against the heap limit.
import {dot, line, ruleX, ruleY, text} from '@observablehq/plot';
import {loadMetric} from './data.js';
import {axisUnit, chart, chartWidth, colors} from './charts.js';
import {digits, h, quantity} from './dom.js';

const fewBlocks = 8;

const keyOf = (block, without) => JSON.stringify([block.workload, block.parameters,
  without === 'threads' ? 0 : block.threads, without === 'heap' ? 0 : block.heap]);

export class TradeOffs {
  constructor(page) {
    this.page = page;
    this.place = document.getElementById('trade-offs-view');
    this.shown = '';
    this.most = fewBlocks;
  }

  async show({threads = '', workload = ''}, again = false) {
    const wanted = JSON.stringify([threads, workload, this.most]);
    if (wanted === this.shown && !again) return;
    this.shown = wanted;
    const {model} = this.page;
    const [time, memory] = await Promise.all(
      ['time_per_op_ns', 'peak_rss_bytes'].map((name) => loadMetric(model, name)));
    if (wanted !== this.shown || !time) return;
    const blocks = model.blocks.filter((block) => block.title.includes(workload) &&
      (threads === '' || String(block.threads) === threads));
    this.time = time;
    const plots = memory ? blocks.map((block) => this.pointsOf(block, time, memory))
      .filter(({points}) => points.length > 1) : [];
    const charts = h('div', {class: 'charts'});
    this.place.replaceChildren(h('h3', {}, 'Time against peak memory'), charts);
    this.width = chartWidth(charts);
    charts.append(...plots.slice(0, this.most).map((each) => this.front(each)));
    if (plots.length === 0) charts.append(h('p', {}, 'No comparison here has both.'));
    if (plots.length > this.most) this.place.append(this.more(plots.length));
    this.series('Scaling over threads', 'threads', blocks.filter((block) => block.threads > 0),
      (block) => block.threads, 'threads →', 'No workload was run with several numbers of threads.');
    this.series('Time against the heap limit', 'heap', blocks.filter((block) => block.heap > 0),
      (block) => block.heap / 2 ** 20, 'heap limit, MiB →',
      'No workload was run with several heap limits.');
  }

  more(count) {
    return h('p', {}, h('button', {type: 'button', onclick: () => {
      this.most += 4 * fewBlocks;
      this.show(this.page.state);
    }}, `Show more (${count - this.most} are left)`));
  }

  pointsOf(block, time, memory) {
    const figures = [time, memory].map((metric) => metric[block.index].values);
    const points = block.rows.flatMap((row, i) => figures[0][i] && figures[1][i]
      ? [{row, name: this.page.model.names[row.name], time: figures[0][i],
        memory: figures[1][i]}] : []);
    return {block, points};
  }

  front({block, points}) {
    const [timeScale, timeUnit] = axisUnit('ns', points.map((each) => each.time[0]));
    const [memoryScale, memoryUnit] = axisUnit('bytes', points.map((each) => each.memory[0]));
    const x = (i) => (each) => each.time[i] / timeScale;
    const y = (i) => (each) => each.memory[i] / memoryScale;
    const ranked = points.some((each) => each.row.front !== undefined);
    const isFront = (each) => each.row.front === true;
    return chart({
      id: `front-${block.index}`, title: block.title, width: this.width, height: 280,
      words: ranked ? 'Filled: not proven to be dominated. Hollow: another is proven better. ' +
        'Lines are intervals; lower left is better.'
        : 'Nobody is ranked here. Lines are intervals; lower left is better.',
      head: ['back end', 'time/op', 'peak RSS', 'front'],
      rows: points.map((each) => [each.name, quantity(each.time[0], 'ns'),
        quantity(each.memory[0], 'bytes'),
        each.row.front === undefined ? 'not ranked' : each.row.front ? 'yes'
          : `no: ${each.row.dominated_by}`]),
      options: {
        x: {type: 'log', label: `${timeUnit}/op →`, ticks: 5, tickFormat: digits, nice: true},
        y: {type: 'log', label: `↑ ${memoryUnit}`, grid: true, ticks: 5, tickFormat: digits,
          nice: true},
        marks: [
          ruleX(points, {x: x(0), y1: y(1), y2: y(2), stroke: 'var(--faint)'}),
          ruleY(points, {y: y(0), x1: x(1), x2: x(2), stroke: 'var(--faint)'}),
          dot(points.filter((each) => !isFront(each)), {x: x(0), y: y(0), r: 4,
            stroke: 'var(--c6)', strokeWidth: 1.5, className: 'dominated',
            title: (each) => each.name}),
          dot(points.filter(isFront), {x: x(0), y: y(0), r: 5, fill: 'var(--c1)',
            className: 'front', title: (each) => each.name}),
          text(labelled(points.filter((each) => !ranked || isFront(each)), x(0), y(0)),
            {x: x(0), y: y(0), text: 'label', dx: 8, textAnchor: 'start', fill: 'currentColor',
              stroke: 'var(--paper)', strokeWidth: 3}),
        ],
      },
    });
  }

  // One chart for each workload that differs in nothing but `without`.
  series(title, without, blocks, at, label, none) {
    const groups = Map.groupBy ? Map.groupBy(blocks, (block) => keyOf(block, without))
      : blocks.reduce((all, block) => all.set(keyOf(block, without),
        [...all.get(keyOf(block, without)) ?? [], block]), new Map());
    const several = [...groups.values()].filter((members) =>
      new Set(members.map(at)).size > 1).slice(0, this.most);
    const charts = h('div', {class: 'charts'});
    this.place.append(h('h3', {}, title), charts);
    if (several.length === 0) charts.append(h('p', {}, none));
    for (const members of several) charts.append(this.curves(members, without, at, label));
  }

  curves(blocks, without, at, label) {
    const points = blocks.flatMap((block) => block.rows.flatMap((row, i) => {
      const value = this.time[block.index].values[i];
      return value ? [{name: this.page.model.names[row.name], x: at(block), value}] : [];
    })).sort((a, b) => a.x - b.x);
    const [scale, unit] = axisUnit('ns', points.map((each) => each.value[0]));
    const last = points.filter((each) => !points.some((other) => other.name === each.name &&
      other.x > each.x));
    const names = [...new Set(points.map((each) => each.name))];
    const color = (each) => colors[names.indexOf(each.name) % colors.length];
    const title = Object.keys(blocks[0].parameters).length > 0
      ? blocks[0].title.replace(/, \d+ threads?.*/, '') : blocks[0].workload;
    return chart({
      id: `${without}-${blocks[0].index}`, title, width: this.width, height: 280,
      words: 'Time per op, with its interval.',
      head: ['back end', label.replace(' →', ''), 'time/op'],
      rows: points.map((each) => [each.name, digits(each.x), quantity(each.value[0], 'ns')]),
      options: {
        marginRight: 130,
        x: {type: 'log', label, ticks: [...new Set(points.map((each) => each.x))],
          tickFormat: digits},
        y: {type: 'log', label: `↑ ${unit}/op`, grid: true, tickFormat: digits, ticks: 5},
        marks: [
          ruleX(points, {x: 'x', y1: (each) => each.value[1] / scale,
            y2: (each) => each.value[2] / scale, stroke: color}),
          line(points, {x: 'x', y: (each) => each.value[0] / scale, z: 'name', stroke: color}),
          dot(points, {x: 'x', y: (each) => each.value[0] / scale, fill: color, r: 3,
            className: 'curve', title: (each) => each.name}),
          text(labelled(last, (each) => each.x * 0, (each) => each.value[0] / scale),
            {x: 'x', y: (each) => each.value[0] / scale, text: 'label', dx: 8,
              textAnchor: 'start', fill: 'currentColor'}),
        ],
      },
    });
  }
}

// Labels that would lie on one another are left to the table and the pointer.
function labelled(points, x, y) {
  const near = (a, b) => Math.abs(Math.log(a / b)) < 0.09;
  const kept = [];
  for (const each of points) {
    const free = kept.every((other) => !near(y(each), y(other)) ||
      Math.abs(Math.log((x(each) || 1) / (x(other) || 1))) > 0.5);
    if (free) kept.push(each);
  }
  return kept.map((each) => ({...each, label: each.name}));
}
