// browser.mjs test PAGE REPORT SAMPLES     prints TAP
// browser.mjs screenshots PAGE FOLDER      of each section, wide and narrow, light and dark
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {chromium} from 'playwright-core';

const require = createRequire(import.meta.url);
const arguments_ = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: arguments_});
const [, , command, file, ...rest] = process.argv;
const address = `file://${file}`;

// A page that is whole, with what it said and asked for.
async function opened(options = {}, fragment = '') {
  const page = await browser.newPage({viewport: {width: 1280, height: 900}, ...options});
  page.noise = [];
  page.on('console', (message) => page.noise.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => page.noise.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== address) page.noise.push(`request: ${request.url()}`);
  });
  await page.goto(address + fragment);
  if (options.javaScriptEnabled !== false) {
    await page.waitForSelector('html[data-complete]', {state: 'attached', timeout: 20000});
  }
  return page;
}

async function screenshots(folder) {
  const probe = await opened();
  const cells = await probe.$$eval('.matrix .top a', (all) => all.map((a) => a.dataset.cell));
  const cell = cells.at(-1) ?? await probe.$eval('.matrix a[data-cell]', (a) => a.dataset.cell);
  await probe.close();
  for (const width of [1280, 400]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await opened({viewport: {width, height: 900}, colorScheme}, `#cell=${cell}`);
      for (const section of await page.$$('section')) {
        const id = await section.getAttribute('id');
        if (id === 'tables') await page.$eval('#tables details', (each) => { each.open = true; });
        await section.screenshot({path: join(folder, `${id}-${width}-${colorScheme}.png`)});
      }
      await page.close();
    }
  }
}

// ---- tests ----

const near = (a, b, what) => assert.ok(Math.abs(a - b) <= 0.006 * Math.abs(b) + 1e-9,
  `${what}: ${a} and not ${b}`);
const number = (text) => Number(text.replace(/^[★=] /, ''));

const tests = {
  async 'says nothing, asks for nothing, and every section is there'({rows}) {
    const page = await opened();
    const ids = await page.$$eval('section', (all) => all.map((each) => each.id));
    assert.deepEqual(ids, ['words', 'matrix', 'cell', 'trade-offs', 'tables', 'method']);
    for (const id of await page.$$eval('.matrix a[data-cell]', (all) =>
      all.map((a) => a.dataset.cell))) {
      await page.goto(`${address}#cell=${id}`);
      await page.waitForFunction((cell) => document.querySelector(
        `.matrix [data-cell="${cell}"][aria-current]`), id);
    }
    assert.deepEqual(page.noise, []);
    assert.ok(rows.length > 10);
  },

  async 'the matrix has the ratios of the report, and failures are no numbers'({rows}) {
    const page = await opened();
    const cells = new Map(await page.$$eval('.matrix a[data-cell]', (all) =>
      all.map((a) => [Number(a.dataset.cell), [a.textContent, a.parentElement.className]])));
    rows.forEach((row, at) => {
      const [text, look] = cells.get(row.id);
      if (row.outcome !== 'ok') {
        assert.ok(Number.isNaN(number(text)), `${at}: ${text}`);
        assert.match(look, /failed|none/);
      } else if (row.ratio) {
        near(number(text), row.ratio.median, `cell ${row.id}`);
        const sure = row.ratio.low > 1 ? 'more' : row.ratio.high < 1 ? 'less' : 'same|own';
        assert.match(look, new RegExp(sure));
      }
      assert.equal(text.startsWith('★'), row.standing === 'winner');
      assert.equal(text.startsWith('='), row.standing === 'tied');
    });
    assert.equal(cells.size, rows.length);
  },

  async 'another figure and another baseline show theirs, and the address keeps both'({rows}) {
    const page = await opened();
    await page.selectOption('#choose-baseline', 'none');
    await page.selectOption('#choose-metric', 'cpu_per_op_ns');
    await page.waitForFunction(() => document.getElementById('matrix-words').textContent
      .startsWith('cpu_per_op_ns'));
    const shown = async (from) => new Map(await from.$$eval('.matrix a[data-cell]', (all) =>
      all.map((a) => [Number(a.dataset.cell), a.textContent])));
    const units = {ns: 1, µs: 1e3, ms: 1e6, s: 1e9};
    const figures = await shown(page);
    for (const row of rows.filter((each) => each.metrics.cpu_per_op_ns)) {
      const [value, unit] = figures.get(row.id).replace(/^[★=] /, '').split(' ');
      near(value * units[unit], row.metrics.cpu_per_op_ns.median, `cell ${row.id}`);
    }
    await page.selectOption('#choose-baseline', 'jemalloc');
    await page.waitForFunction(() => location.hash.includes('baseline=jemalloc'));
    const ratios = await shown(page);
    const larson = rows.filter((row) => row.workload === 'malloc/larson' && row.threads === 1);
    const glibc = larson.find((row) => row.allocator === 'glibc');
    const jemalloc = larson.find((row) => row.allocator === 'jemalloc');
    near(number(ratios.get(glibc.id)),
      glibc.metrics.cpu_per_op_ns.median / jemalloc.metrics.cpu_per_op_ns.median, 'glibc');
    assert.equal(ratios.get(jemalloc.id), '1');
    const again = await opened({}, new URL(page.url()).hash);
    assert.deepEqual(await shown(again), ratios);
  },

  async 'filters leave what they say'({rows}) {
    const page = await opened();
    const left = () => page.$$eval('.matrix a[data-cell]', (all) =>
      all.filter((a) => a.offsetParent !== null).map((a) => Number(a.dataset.cell)));
    const wanted = (keep) => rows.filter(keep).map((row) => row.id).sort((a, b) => a - b);
    const expect = async (keep) => assert.deepEqual(
      [...new Set(await left())].sort((a, b) => a - b), wanted(keep));
    await page.fill('#choose-workload', 'larson');
    await expect((row) => row.workload.includes('larson'));
    await page.selectOption('#choose-threads', '4');
    await expect((row) => row.workload.includes('larson') && row.threads === 4);
    await page.fill('#choose-workload', '');
    await page.selectOption('#choose-threads', '');
    await page.fill('#choose-backend', 'jemalloc');
    await expect((row) => row.allocator.includes('jemalloc'));
    await page.fill('#choose-backend', 'nobody has this name');
    assert.deepEqual(await left(), []);
    assert.equal(await page.textContent('#matrix-count'), 'No cell is like that.');
  },

  async 'a click on a cell shows its samples, each where the store has it'({rows, samples}) {
    const page = await opened();
    const row = rows.find((each) => each.allocator === 'jemalloc' && each.standing === 'winner');
    await page.click(`.matrix [data-cell="${row.id}"]`);
    await page.waitForSelector('#chart-samples');
    assert.match(await page.textContent('#cell-title'), /^jemalloc, malloc\/larson/);
    const dots = await page.$$eval('#chart-samples .sample circle', (all) =>
      all.map((each) => Number(each.getAttribute('cy'))));
    const stored = samples.filter((each) => each.allocator.name === 'jemalloc' && each.threads === 1 &&
      each.workload.name === 'malloc/larson' && Object.keys(each.allocator.settings).length === 0)
      .flatMap((each) => each.sample_ns.map((ns) => ns / each.ops_per_sample));
    assert.equal(dots.length, stored.length);
    // Two of its own ticks say what a height stands for.
    const ticks = await page.$$eval('#chart-samples [aria-hidden] text, #chart-samples g text', (all) =>
      all.map((each) => [each.textContent, each.getAttribute('transform'),
        each.getAttribute('text-anchor') ?? each.parentElement.getAttribute('text-anchor')]));
    const heights = ticks.filter(([, where, anchor]) => where && anchor === 'end')
      .map(([text, where]) => [Number(text), Number(/,\s*([-\d.]+)\)/.exec(where)?.[1])])
      .filter(([value, y]) => Number.isFinite(value) && Number.isFinite(y));
    assert.ok(heights.length >= 2, JSON.stringify(ticks));
    const [[v0, y0], [v1, y1]] = [heights[0], heights.at(-1)];
    dots.forEach((y, i) => near(v0 + (y - y0) * (v1 - v0) / (y1 - y0), stored[i], `sample ${i}`));
    assert.match(await page.textContent('.command code'), /^churn run --allocator jemalloc /);
    assert.deepEqual(page.noise, []);
  },

  async 'the front is the report’s'({rows}) {
    const page = await opened();
    for (const chart of await page.$$('[id^="front-"]')) {
      const title = await chart.$eval('strong', (each) => each.textContent);
      const ranked = rows.filter((row) => row.on_front !== undefined && title.startsWith(row.workload)
        && title.includes(`${row.threads} thread`));
      if (ranked.length === 0) continue;
      assert.equal(await chart.$$eval('.front circle', (all) => all.length),
        ranked.filter((row) => row.on_front).length, title);
      assert.equal(await chart.$$eval('.dominated circle', (all) => all.length),
        ranked.filter((row) => !row.on_front).length, title);
    }
    assert.ok((await page.$$('[id^="front-"]')).length >= 3);
  },

  async 'every chart has marks, words and numbers'({rows}) {
    const row = rows.find((each) => each.collector === 'trial-deletion');
    const page = await opened({}, `#cell=${row.id}`);
    const charts = await page.$$eval('figure.chart', (all) => all.map((each) => [each.id,
      each.querySelectorAll('svg :is(circle, rect, path, line)').length,
      each.querySelectorAll('table tbody tr').length,
      each.querySelector('figcaption').textContent.length]));
    for (const [id, marks, lines, words] of charts) {
      assert.ok(marks > 2 && lines > 0 && words > 20, `${id}: ${marks} ${lines} ${words}`);
    }
    const ids = charts.map(([id]) => id);
    for (const id of ['chart-samples', 'chart-distribution', 'chart-memory', 'chart-pause-ns',
      'chart-collections']) {
      assert.ok(ids.includes(id), `${id} is not among ${ids}`);
    }
  },

  async 'keys alone lead to a cell'() {
    const page = await opened();
    await page.focus('.matrix a[data-cell]');
    const first = await page.evaluate(() => document.activeElement.dataset.cell);
    await page.keyboard.press('ArrowRight');
    const second = await page.evaluate(() => document.activeElement.dataset.cell);
    assert.notEqual(first, second);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#cell-title');
    assert.ok(page.url().includes(`cell=${second}`));
    assert.equal(await page.evaluate(() => document.activeElement.id), 'cell');
  },

  async 'names from the store are text'() {
    const page = await opened();
    assert.equal(await page.evaluate(() => document.querySelectorAll('main k, main b:not(li b)')
      .length), 0);
    assert.ok((await page.textContent('#tables')).includes('<k>=*v*'));
    assert.ok((await page.textContent('#matrices')).includes('\\x1b[31m<b>'));
  },

  async 'without scripts all sentences and tables are there'({rows}) {
    const page = await opened({javaScriptEnabled: false});
    const text = await page.textContent('main');
    for (const row of rows) assert.ok(text.includes(row.workload));
    const links = await page.$$eval('#matrix a[href^="#cell="]', (all) => all.length);
    assert.equal(links, rows.length);
    assert.equal(await page.$$eval('#tables details', (all) => all.length > 4), true);
    assert.equal(await page.isVisible('#trade-offs'), false);
    assert.equal(await page.isVisible('noscript p'), true);
  },

  async 'nothing is wider than a phone, and in print no control is left'({rows}) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await opened({viewport: {width: 400, height: 800}, colorScheme},
        `#cell=${rows[0].id}`);
      assert.deepEqual(await page.evaluate(() => document.documentElement.scrollWidth <= 400 ? []
        : [...document.querySelectorAll('main *, header *')].filter((each) =>
          each.getBoundingClientRect().right > 400 && !each.parentElement.closest('.scroll, svg'))
          .map((each) => `${each.tagName} ${each.id} ${each.className}`)), []);
      await page.emulateMedia({media: 'print'});
      assert.equal(await page.isVisible('#controls'), false);
    }
  },

  async 'axe finds no barrier, light or dark'({rows}) {
    const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
    for (const colorScheme of ['light', 'dark']) {
      const page = await opened({colorScheme}, `#cell=${rows[1].id}`);
      await page.$$eval('details', (all) => all.forEach((each) => { each.open = true; }));
      await page.evaluate(source);
      const found = await page.evaluate(() => globalThis.axe.run());
      assert.deepEqual(found.violations.map((each) => [each.id,
        each.nodes.slice(0, 3).map((node) => node.html)]), []);
    }
  },

  async 'a page with a wrong cell says so'() {
    const page = await opened({}, '#cell=99999&metric=nonsense&baseline=nobody');
    assert.match(await page.textContent('#cell-view'), /There is no cell 99999/);
    assert.deepEqual(page.noise, []);
  },
};

function inputs([report, samples]) {
  const rows = JSON.parse(readFileSync(report, 'utf8'));
  const lines = readFileSync(samples, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return {rows, samples: lines};
}

async function test() {
  const known = inputs(rest);
  let number = 0, failed = 0;
  for (const [name, work] of Object.entries(tests)) {
    number += 1;
    try {
      await work(known);
      console.log(`ok ${number} - ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok ${number} - ${name}`);
      for (const line of String(error.stack).split('\n')) console.log(`# ${line}`);
    }
    for (const context of browser.contexts()) await context.close();
  }
  console.log(`1..${number}`);
  return failed;
}

let status = 0;
try {
  if (command === 'screenshots') await screenshots(rest[0]);
  else status = await test() === 0 ? 0 : 1;
} finally {
  await browser.close();
}
process.exit(status);
