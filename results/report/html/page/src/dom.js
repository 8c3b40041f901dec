// Elements from names, attributes and children. Text is always text: nothing from a store is markup.
const svgNames = new Set(['svg', 'rect', 'line']);

export function h(name, attributes = {}, ...children) {
  const element = svgNames.has(name)
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function table(titles, rows, label) {
  const body = rows.map((row) => h('tr', {}, ...row.map((cell, i) =>
    i === 0 ? h('th', {scope: 'row'}, cell) : h('td', {}, cell))));
  return h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label},
    h('table', {},
      h('thead', {}, h('tr', {}, ...titles.map((title) => h('th', {scope: 'col'}, title)))),
      h('tbody', {}, ...body)));
}

// Three significant digits, as in the tables that came with the page.
export function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e8 || size < 1e-4) return value.toExponential(2);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  return value.toPrecision(3);
}

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const times = [[1e10, 1e9, 's'], [1e7, 1e6, 'ms'], [1e4, 1e3, 'µs'], [0, 1, 'ns']];

export function quantity(value, unit) {
  if (unit === 'bytes') {
    let at = 0;
    for (; Math.abs(value) >= 1024 && at + 1 < binary.length; ++at) value /= 1024;
    return `${digits(value)} ${binary[at]}`;
  }
  if (unit === 'ns') {
    const [, scale, name] = times.find(([least]) => Math.abs(value) >= least);
    return `${digits(value / scale)} ${name}`;
  }
  if (unit === 'ratio') return digits(value);
  return Number.isInteger(value) && Math.abs(value) < 1e8 ? String(value) : digits(value);
}
