// Time against memory with the front, scaling over threads, and time against the heap limit.
import {axisX, axisY, dot, gridY, line, ruleX, ruleY, text} from '@observablehq/plot';
import {loadMetric} from './data.js';
import {axisUnit, chart, chartWidth, colors} from './charts.js';
import {digits, h, quantity} from './dom.js';

const fewBlocks = 8;

// Of an axis: no more digits than it takes.
const tick = (value) => String(Number(value.toPrecision(3)));

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
    const brief = briefly(points.map((each) => each.name));
    const height = 300, right = this.width - 16;
    const across = scaleOf(points.flatMap((each) => [x(1)(each), x(2)(each)]), 52, right);
    const up = scaleOf(points.flatMap((each) => [y(1)(each), y(2)(each)]), height - 36, 24);
    const ordered = [...points].sort((a, b) => isFront(b) - isFront(a));
    const marks = labelled(ordered.map((each) => ({...each, label: brief(each.name)})),
      (each) => across.at(x(0)(each)), (each) => up.at(y(0)(each)), right);
    return chart({
      id: `front-${block.index}`, title: block.brief, width: this.width, height,
      words: ranked ? 'Filled: not proven to be dominated. Hollow: another is proven better. ' +
        'Lines are intervals; lower left is better.'
        : 'Nobody is ranked here. Lines are intervals; lower left is better.',
      head: ['back end', 'time/op', 'peak RSS', 'front'],
      rows: points.map((each) => [each.name, quantity(each.time[0], 'ns'),
        quantity(each.memory[0], 'bytes'),
        each.row.front === undefined ? 'not ranked' : each.row.front ? 'yes'
          : `no: ${each.row.dominated_by}`]),
      options: {
        x: {type: 'log', domain: across.domain},
        y: {type: 'log', domain: up.domain},
        marks: [
          ...axes(ticksOf(across.domain), `${timeUnit}/op →`, ticksOf(up.domain),
            `↑ ${memoryUnit}`),
          ruleX(points, {x: x(0), y1: y(1), y2: y(2), stroke: 'var(--faint)'}),
          ruleY(points, {y: y(0), x1: x(1), x2: x(2), stroke: 'var(--faint)'}),
          dot(points.filter((each) => !isFront(each)), {x: x(0), y: y(0), r: 4,
            stroke: 'var(--c6)', strokeWidth: 1.5, className: 'dominated',
            title: (each) => each.name}),
          dot(points.filter(isFront), {x: x(0), y: y(0), r: 5, fill: 'var(--c1)',
            className: 'front', title: (each) => each.name}),
          ...names(marks, x(0), y(0)),
        ],
      },
    });
  }

  // One chart for each workload that differs in nothing but `without`.
  series(title, without, blocks, at, label, none) {
    const measured = blocks.filter((block) => this.time[block.index].values.some((each) => each));
    const groups = measured.reduce((all, block) => all.set(keyOf(block, without),
        [...all.get(keyOf(block, without)) ?? [], block]), new Map());
    const several = [...groups.values()].filter((members) =>
      new Set(members.map(at)).size > 1).slice(0, this.most);
    if (several.length === 0) {
      this.place.append(h('p', {}, none));
      return;
    }
    const charts = h('div', {class: 'charts'});
    this.place.append(h('h3', {}, title), charts);
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
    const backEnds = [...new Set(points.map((each) => each.name))];
    const color = (each) => colors[backEnds.indexOf(each.name) % colors.length];
    const brief = briefly(backEnds);
    const height = 320, right = this.width - 16;
    const across = scaleOf(points.map((each) => each.x), 52, this.width - 150);
    const up = scaleOf(points.flatMap((each) => each.value.slice(1, 3)).map((ns) => ns / scale),
      height - 36, 24);
    const marks = labelled(last.map((each) => ({...each, label: brief(each.name)})),
      (each) => across.at(each.x), (each) => up.at(each.value[0] / scale), right);
    const title = blocks[0].brief.replace(without === 'threads' ? /, \d+ threads?/
      : /, heap limit .*/, '');
    return chart({
      id: `${without}-${blocks[0].index}`, title, width: this.width, height,
      words: 'Time per op, with its interval.',
      head: ['back end', label.replace(' →', ''), 'time/op'],
      rows: points.map((each) => [each.name, digits(each.x), quantity(each.value[0], 'ns')]),
      options: {
        marginRight: 150,
        x: {type: 'log', domain: across.domain},
        y: {type: 'log', domain: up.domain},
        marks: [
          ...axes([...new Set(points.map((each) => each.x))], label, ticksOf(up.domain),
            `↑ ${unit}/op`),
          ruleX(points, {x: 'x', y1: (each) => each.value[1] / scale,
            y2: (each) => each.value[2] / scale, stroke: color}),
          line(points, {x: 'x', y: (each) => each.value[0] / scale, z: 'name', stroke: color}),
          dot(points, {x: 'x', y: (each) => each.value[0] / scale, fill: color, r: 3,
            className: 'curve', title: (each) => each.name}),
          ...names(marks, 'x', (each) => each.value[0] / scale),
        ],
      },
    });
  }
}

// Puts names beside their points where there is room, to the right, the left, above or below; the
// others are left to the table and the pointer. x and y give places in pixels.
function labelled(points, x, y, right) {
  const boxes = points.map((each) => [x(each) - 6, x(each) + 6, y(each) - 6, y(each) + 6]);
  const kept = [];
  points.forEach((each, i) => {
    const [px, py, wide] = [x(each), y(each), 6.6 * each.label.length];
    const places = [[px + 9, py, 'start'], [px - 9 - wide, py, 'end'], [px - wide / 2, py - 13, 'middle'],
      [px - wide / 2, py + 13, 'middle']];
    for (const [left, middle, anchor] of places) {
      const box = [left, left + wide, middle - 7, middle + 7];
      const free = left >= 50 && box[1] <= right && boxes.every((other, k) => k === i ||
        box[1] < other[0] || box[0] > other[1] || box[3] < other[2] || box[2] > other[3]);
      if (!free) continue;
      boxes.push(box);
      kept.push({...each, anchor, dx: left + (anchor === 'start' ? 0 : anchor === 'end' ? wide
        : wide / 2) - px, dy: middle - py});
      return;
    }
  });
  return kept;
}

// A logarithmic scale that leaves room at both ends, and where a value lies on it.
function scaleOf(values, from, to) {
  const least = Math.min(...values), most = Math.max(...values);
  const room = Math.max(Math.log(most / least) * 0.12, 0.12);
  const domain = [least * Math.exp(-room), most * Math.exp(room)];
  const at = (value) => from + (to - from) * Math.log(value / domain[0]) /
    Math.log(domain[1] / domain[0]);
  return {domain, at};
}

// Round values on a logarithmic scale: 1, 2, 5 of each power of ten where it spans many, else as on
// a linear one.
function ticksOf([low, high], most = 6) {
  const ticks = [];
  if (high / low > 8) {
    const mantissas = high / low > 1000 ? [1] : high / low > 100 ? [1, 3] : [1, 2, 5];
    for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
      ticks.push(...mantissas.map((each) => each * power));
    }
    return ticks.filter((each) => each >= low && each <= high);
  }
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) ticks.push(at);
  return ticks;
}

// Every tick has its number: left to itself, a logarithmic axis keeps most of them to itself.
const axes = (across, xLabel, up, yLabel) => [gridY(up), axisX(across, {text: tick, label: xLabel}),
  axisY(up, {text: tick, label: yLabel})];

// Without what all of them begin or end with, up to a slash.
function briefly(names) {
  const first = names[0], start = first.slice(0, first.indexOf('/') + 1);
  if (start && names.every((name) => name.startsWith(start))) {
    return (name) => name.slice(start.length);
  }
  const end = first.includes('/') ? first.slice(first.lastIndexOf('/')) : '';
  return end && names.every((name) => name.endsWith(end))
    ? (name) => name.slice(0, name.length - end.length) : (name) => name;
}

// Each label stands where its own room is.
const names = (marks, x, y) => marks.map((each) => text([each], {x, y, text: 'label', dx: each.dx,
  dy: each.dy, textAnchor: each.anchor, fill: 'currentColor', stroke: 'var(--paper)',
  strokeWidth: 3, className: 'name'}));
