// Repeats recorded programs in the CPython that Pyodide brings.
// Usage: record 3.13 FIRST LAST OPERATIONS | node replay.mjs REPLAY_PY NODE_MODULES
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [script, modules] = process.argv.slice(2);
const folder = resolve(modules, "pyodide");
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder });
python.FS.writeFile("replay.py", readFileSync(script, "utf8"));
const replay = python.pyimport("replay");

let difference = "";
for await (const line of createInterface({ input: process.stdin })) {
  difference = replay.check(line);
  if (difference !== "") break;
}
console.log(difference === "" ? replay.summary() : difference);
process.exitCode = difference === "" ? 0 : 1;
process.stdin.destroy();
