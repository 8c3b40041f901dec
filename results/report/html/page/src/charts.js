// One figure: a chart, what it shows in words, and its numbers as a table.
import {plot} from '@observablehq/plot';
import {h, table} from './dom.js';

export const colors = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)',
  'var(--c7)'];

// A unit for an axis, so that its ticks are short.
export function axisUnit(unit, values) {
  const least = Math.min(...values.filter((value) => value > 0).concat(Infinity));
  const most = Math.max(...values.concat(0));
  if (unit === 'bytes') {
    if (most >= 2 ** 30 * 4) return [2 ** 30, 'GiB'];
    return most >= 2 ** 20 * 2 ? [2 ** 20, 'MiB'] : [2 ** 10, 'KiB'];
  }
  if (unit === 'ns') {
    if (least >= 1e8 && least !== Infinity) return [1e9, 's'];
    if (most >= 1e7) return [1e6, 'ms'];
    return most >= 1e4 ? [1e3, 'µs'] : [1, 'ns'];
  }
  return [1, unit === 'ratio' ? 'ratio' : ''];
}

export function chart({title, id, words, options, head, rows, width, height = 220}) {
  const drawn = plot({
    width, height, marginLeft: 52, marginRight: 16, marginBottom: 36, marginTop: 24,
    style: {fontSize: '12px', background: 'none', overflow: 'hidden'},
    ...options,
  });
  const svg = drawn.tagName === 'svg' ? drawn : drawn.querySelector('svg');
  // Its texts are an axis; the caption says it in words, the table in numbers.
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${title}. ${words ?? ''}`);
  for (const labelled of svg.querySelectorAll('[aria-label]')) labelled.removeAttribute('aria-label');
  return h('figure', {id, class: 'chart'},
    h('figcaption', {}, h('strong', {}, title), words ? ` ${words}` : ''), drawn,
    rows && rows.length > 0
      ? h('details', {}, h('summary', {}, 'Numbers'), table(head, rows, `${title}: numbers`))
      : null);
}

// As wide as a column of the grid that the figures stand in; see .charts in page.css.
export function chartWidth(place) {
  const room = place.clientWidth || 600, gap = 24, least = 416;
  const columns = Math.max(1, Math.floor((room + gap) / (least + gap)));
  return Math.max(260, Math.floor((room - gap * (columns - 1)) / columns));
}
