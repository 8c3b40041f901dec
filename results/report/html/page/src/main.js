// What is shown is what the address says: #metric=…&baseline=…&threads=…&workload=…&backend=…&cell=…
import {loadModel} from './data.js';
import {h} from './dom.js';
import {showCell} from './cell.js';
import {Matrix} from './matrix.js';
import {TradeOffs} from './trade_offs.js';

const remembered = ['metric', 'baseline', 'threads', 'workload', 'backend', 'cell'];

function stateOf(hash) {
  const values = new URLSearchParams(hash.slice(1));
  const state = {};
  for (const name of remembered) if (values.has(name)) state[name] = values.get(name);
  return state;
}

function hashOf(state) {
  const values = new URLSearchParams();
  for (const name of remembered) if (state[name]) values.set(name, state[name]);
  return `#${values}`;
}

function openTarget(hash) {
  if (hash.includes('=') || hash.length < 2) return;
  const target = document.getElementById(hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

let later = 0;  // charts wait until nobody types

async function start() {
  const began = performance.now();
  document.documentElement.classList.add('scripted');
  const model = await loadModel();
  const page = {
    model,
    state: stateOf(location.hash),
    linkTo: (change) => hashOf({...page.state, ...change}),
    // A filter is typed letter by letter and fills no history.
    change(change) {
      history.replaceState(null, '', hashOf({...page.state, ...change}));
      return page.follow();
    },
    async follow() {
      const before = page.state;
      if (location.hash.includes('=') || location.hash.length < 2) {
        page.state = stateOf(location.hash);
      }
      openTarget(location.hash);
      const asked = performance.now();
      await matrix.show(page.state);
      document.documentElement.dataset.changed = (performance.now() - asked).toFixed(1);
      clearTimeout(later);
      later = setTimeout(() => tradeOffs.show(page.state), 200);
      if (page.state.cell !== before.cell) await showCell(page, true);
    },
  };
  const matrix = new Matrix(page);
  const tradeOffs = new TradeOffs(page);
  addEventListener('hashchange', () => page.follow());
  addEventListener('beforeprint', () => {
    for (const each of document.querySelectorAll('details.block')) each.open = true;
  });
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    tradeOffs.show(page.state, true);
    showCell(page, false);
  });
  await matrix.show(page.state);
  document.documentElement.dataset.ready = (performance.now() - began).toFixed(1);
  openTarget(location.hash);
  tradeOffs.show(page.state);
  await showCell(page, Boolean(page.state.cell));
  document.documentElement.dataset.complete = '';
}

start().catch((error) => {
  document.querySelector('main').prepend(
    h('p', {class: 'failures', role: 'alert'}, `The charts cannot be drawn: ${error.message}`));
  throw error;
});
