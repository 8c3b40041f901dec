// The data that the page carries, unpacked when they are first asked for.
const parts = new Map();

async function unpack(id) {
  const text = document.getElementById(`part-${id}`).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

export function part(id) {
  if (!parts.has(id)) parts.set(id, unpack(id));
  return parts.get(id);
}

export async function loadModel() {
  const model = await part('model');
  model.cells = new Map();
  model.blocks.forEach((block, index) => {
    block.index = index;
    block.rows.forEach((row, at) => model.cells.set(row.id, {row, block, at}));
  });
  model.placeOf = new Map(model.metrics.map((metric, i) => [metric.name, i]));
  return model;
}

// By block: values and ratios of its rows. Nothing where no cell has the metric.
export async function loadMetric(model, name) {
  const place = model.placeOf.get(name);
  return place === undefined ? null : part(`m${place}`);
}
