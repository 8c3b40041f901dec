// The matrix: ratios of any metric to any baseline that the page has, or the figures themselves.
// The tables that came with the page are replaced once. Rows are made when they are first shown, so
// that thousands of cells cost nothing before somebody looks at them.
import {loadMetric} from './data.js';
import {digits, h, quantity} from './dom.js';

const mostRows = 100;  // of a table, until more are asked for
const widest = 3;  // the interval bar's scale ends at 8 times more or less

const outcomeMarks = {'not-applicable': 'n/a', 'not-measured': 'not run', 'wrong-answer': '✗ wrong',
  'out-of-memory': '✗ memory', 'timed-out': '✗ time', crashed: '✗ crash', unproved: '✗ unproved'};
const standings = {winner: ['★', 'leads'], tied: ['=', 'shares the top group'],
  behind: ['', 'is behind the top group']};

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function place(ratio) {
  return (clamp(Math.log2(ratio), -widest, widest) / widest + 1) * 50;
}

// How far and how surely a ratio lies from 1.
function shade([median, low, high]) {
  if (low <= 1 && high >= 1) return 'same';
  const steps = Math.abs(Math.log2(median));
  return (median < 1 ? 'less-' : 'more-') + (steps < 0.2 ? 1 : steps < 1 ? 2 : 3);
}

export class Matrix {
  constructor(page) {
    this.page = page;
    this.controls = document.getElementById('controls');
    this.place = document.getElementById('matrices');
    this.words = document.getElementById('matrix-words');
    this.shown = '';
    this.most = new Map();
    this.buildControls();
  }

  buildControls() {
    const {model, change} = this.page;
    const select = (name, label, options) => h('label', {}, label, ' ',
      h('select', {id: `choose-${name}`, onchange: (event) => change({[name]: event.target.value})},
        ...options.map(([value, text]) => h('option', {value}, text))));
    const text = (name, label) => h('label', {}, label, ' ',
      h('input', {id: `choose-${name}`, type: 'search', size: 12, spellcheck: 'false',
        oninput: (event) => change({[name]: event.target.value})}));
    const threads = [...new Set(model.blocks.map((block) => block.threads))].sort((a, b) => a - b);
    this.controls.append(
      select('metric', 'Figure', model.metrics.map((metric) => [metric.name, metric.name])),
      select('baseline', 'Ratio to', [['', 'the run’s own baseline'],
        ...model.baselines.map((name) => [model.names[name], model.names[name]]),
        ['none', 'nothing: the figures themselves']]),
      select('threads', 'Threads', [['', 'all'], ...threads.map((n) => [String(n), String(n)])]),
      text('workload', 'Workload has'),
      text('backend', 'Back end has'),
      h('p', {class: 'legend', 'aria-hidden': 'true'},
        h('span', {class: 'less-2'}, 'less'), h('span', {class: 'same'}, 'interval reaches 1'),
        h('span', {class: 'more-2'}, 'more'), h('span', {class: 'failed'}, '✗ failed'),
        ' bar: interval, from ⅛ to 8; its tick is 1'),
      h('p', {id: 'matrix-count', role: 'status'}));
  }

  metric() {
    const {model} = this.page;
    return model.metrics[model.placeOf.get(this.page.state.metric) ?? 0];
  }

  async show(state) {
    for (const name of ['metric', 'baseline', 'threads', 'workload', 'backend']) {
      const control = document.getElementById(`choose-${name}`);
      const wanted = state[name] ?? (name === 'metric' ? this.metric()?.name ?? '' : '');
      if (control.value !== wanted) control.value = wanted;
    }
    const metric = this.metric();
    if (!metric) return;
    const wanted = `${metric.name} ${state.baseline ?? ''}`;
    if (wanted !== this.shown) {
      this.figures = await loadMetric(this.page.model, metric.name);
      this.shown = wanted;
      this.build(metric, state.baseline ?? '');
    }
    this.filter(state);
    this.mark(state.cell);
  }

  // The estimate to show for the row at `at`, and what it is a ratio to.
  estimate(block, at, baseline) {
    const figures = this.figures[block.index];
    const value = figures.values[at];
    if (baseline === 'none') return {value};
    const {model} = this.page;
    const name = baseline === '' ? block.baseline : model.names.indexOf(baseline);
    const ratio = figures.ratios[model.baselines.indexOf(name)]?.[at] ?? null;
    return {value, ratio, of: model.names[name], own: block.rows[at].name === name};
  }

  build(metric, baseline) {
    const {model} = this.page;
    this.words.textContent = `${metric.name}: ${metric.summary || 'as recorded'}; ` +
      (baseline === 'none' ? 'the figures themselves.'
        : `a ratio to ${baseline || 'the baseline'}, below 1 is better.`) +
      (metric.name === 'time_per_op_ns' ? ' ★ leads, = shares the top group.' : '');
    this.tables = model.groups.map((group) => this.buildTable(group, metric, baseline));
    this.place.replaceChildren(...this.tables.flatMap((table) => [table.title, table.scroll, table.more]));
  }

  buildTable(group, metric, baseline) {
    const {model} = this.page;
    const rows = group.blocks.map((index) => {
      const block = model.blocks[index];
      let made;
      return {block, made: () => (made ??= this.buildRow(group, block, metric, baseline))};
    });
    const heads = group.labels.map((label) => h('th', {scope: 'col'}, ...this.broken(label)));
    const title = h('h3', {}, group.title);
    const body = h('tbody');
    const table = h('table', {class: 'matrix', id: `matrix-${group.id}`, onkeydown: move},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'workload'), ...heads)), body);
    const more = h('button', {type: 'button', onclick: () => {
      this.most.set(group.id, Infinity);
      this.filter(this.page.state);
    }});
    return {group, rows, heads, title, body, more,
      scroll: h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': group.title},
        table)};
  }

  buildRow(group, block, metric, baseline) {
    const at = new Map(block.rows.map((row, i) => [row.name, i]));
    const cells = group.names.map((name) => at.has(name)
      ? this.cell(block, at.get(name), metric, baseline) : h('td'));
    const row = h('tr', {},
      h('th', {scope: 'row'}, h('a', {href: `#block-${block.index}`, title: block.title},
        ...this.broken(block.brief)),
      block.oversubscribed ? h('small', {}, ' more threads than cores, not ranked') : null),
      ...cells);
    return {row, cells};
  }

  // A long name may be broken where its words end.
  broken(label) {
    return label.split(/(?<=[-/{;:,])/).flatMap((word) => [word, h('wbr')]);
  }

  cell(block, at, metric, baseline) {
    const row = block.rows[at];
    const name = this.page.model.names[row.name];
    const link = (text, title) => h('a', {href: `#cell=${row.id}`, 'data-cell': row.id, title}, text);
    if (row.outcome) {
      const none = row.outcome === 'not-applicable' || row.outcome === 'not-measured';
      return h('td', {class: none ? 'none' : 'failed'},
        link(outcomeMarks[row.outcome] ?? row.outcome,
          `${name}: ${row.outcome}, ${row.ok} of ${row.of} ok. ${row.reason}`));
    }
    const {value, ratio, of, own} = this.estimate(block, at, baseline);
    if (!value) return h('td', {}, link('–', `${name} has no ${metric.name} here`));
    const figure = `${quantity(value[0], metric.unit)} (${quantity(value[1], metric.unit)} to ` +
      `${quantity(value[2], metric.unit)})`;
    const [sign, standing] = metric.name === 'time_per_op_ns' ? standings[row.standing] ?? ['', '']
      : ['', ''];
    const said = standing ? `; ${standing}` : '';
    const mark = sign ? `${sign} ` : '';
    if (!ratio) {
      return h('td', {class: standing && sign ? 'top' : undefined},
        link(mark + quantity(value[0], metric.unit), `${name}: ${figure}${said}`));
    }
    if (own) {
      return h('td', {class: sign ? 'own top' : 'own'},
        link(`${mark}1`, `${name} is the baseline: ${figure}${said}`));
    }
    const from = place(ratio[1]), to = Math.max(place(ratio[2]), from + 3);
    const td = h('td', {class: shade(ratio) + (sign ? ' top' : '')}, link(mark + digits(ratio[0]),
      `${name}: ${digits(ratio[0])} times ${of}, ${digits(ratio[1])} to ${digits(ratio[2])}; ` +
      `${figure}${said}`));
    td.style.setProperty('--width', `${to - from}%`);
    td.style.setProperty('--from', `${to - from >= 100 ? 0 : from / (100 - (to - from)) * 100}%`);
    return td;
  }

  filter({threads = '', workload = '', backend = ''}) {
    const {model} = this.page;
    const found = new Set();
    for (const table of this.tables) {
      const columns = table.group.names.map((name) => model.names[name].includes(backend));
      const wanted = table.rows.filter(({block}) => block.title.includes(workload) &&
        (threads === '' || String(block.threads) === threads));
      const here = wanted.slice(0, this.most.get(table.group.id) ?? mostRows);
      table.heads.forEach((head, i) => { head.hidden = !columns[i]; });
      table.body.replaceChildren(...here.map((each) => each.made().row));
      for (const each of here) {
        each.made().cells.forEach((cell, i) => {
          if (cell.hidden === columns[i]) cell.hidden = !columns[i];
        });
      }
      const names = new Set(table.group.names.filter((_, i) => columns[i]));
      for (const {block} of wanted) {
        for (const row of block.rows) if (names.has(row.name)) found.add(row.id);
      }
      table.more.textContent = `Show the other ${wanted.length - here.length} workloads`;
      table.more.hidden = wanted.length === here.length;
      table.title.hidden = table.scroll.hidden = wanted.length === 0 || names.size === 0;
    }
    const shown = found.size;
    document.getElementById('matrix-count').textContent =
      shown === 0 ? 'No cell is like that.' : `${shown} ${shown === 1 ? 'cell' : 'cells'}`;
  }

  mark(cell) {
    for (const old of this.place.querySelectorAll('[aria-current]')) {
      old.removeAttribute('aria-current');
    }
    if (!cell) return;
    const id = String(Number(cell));
    this.place.querySelector(`[data-cell="${id}"]`)?.setAttribute('aria-current', 'true');
  }
}

// Arrow keys go from cell to cell.
function move(event) {
  const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[
    event.key];
  const cell = event.target.closest('td');
  if (!step || !cell) return;
  const rows = [...event.currentTarget.tBodies[0].rows].filter((row) => !row.hidden);
  let y = rows.indexOf(cell.parentElement), x = cell.cellIndex;
  for (;;) {
    y += step[0];
    x += step[1];
    const next = rows[y]?.cells[x];
    if (!next || next.tagName !== 'TD') return;
    const link = next.hidden ? null : next.querySelector('a');
    if (!link) continue;
    event.preventDefault();
    link.focus();
    return;
  }
}
