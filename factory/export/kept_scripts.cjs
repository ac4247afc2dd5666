'use strict';

// Loaded into rhdh-cli when it exports a frontend plugin, and into its workers (node --require).
//
// Terser takes half of the time of an export, and most of what it is given are packages, which no
// change of the plugin's sources touches. Its worker is a function of a text that holds the script,
// the source map, all options and the minimizer's own code. So what it returns is kept by that text's
// digest, beside the programs that made it, and taken from there the next time: the same value, by
// the algorithm that brings it from a worker. The place is in the workspace's node_modules: no other
// workspace reads it, and it goes with the installation.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const v8 = require('node:v8');
const zlib = require('node:zlib');
const { createHash } = require('node:crypto');
const { threadId } = require('node:worker_threads');

const WORKER = /^(.*[\\/]\.plugin-factory[\\/][^\\/]+)[\\/].*[\\/]terser-webpack-plugin[\\/]dist[\\/]minify\.js$/;
const FOLDER = '.minified';
// A frontend has one to three hundred scripts, of 20 kB each as they are kept.
const MOST = 3000;

const load = Module._load;
Module._load = function loadKeeping(request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  const [, tool] = WORKER.exec(request) ?? [];
  return tool && typeof loaded?.transform === 'function'
    ? { ...loaded, transform: keeping(loaded.transform, path.join(tool, FOLDER)) }
    : loaded;
};

/** Returns a function that returns what another one has made of the same text before. */
function keeping(transform, folder) {
  makeRoom(folder);
  return async text => {
    const name = createHash('sha256').update(`${process.version}\0`).update(text).digest('hex');
    const file = path.join(folder, name);
    const kept = read(file);
    if (kept) {
      return kept;
    }
    const made = await transform(text);
    if (isWhole(made)) {
      write(file, made);
    }
    return made;
  };
}

/** Whether that is a script, and nothing was said about it. */
function isWhole(made) {
  return typeof made?.code === 'string' && !made.errors?.length && !made.warnings?.length;
}

function read(file) {
  const made = attempt(() => v8.deserialize(zlib.gunzipSync(fs.readFileSync(file))));
  if (!isWhole(made)) {
    return undefined; // there is none, or it was cut short
  }
  attempt(() => fs.utimesSync(file, new Date(), new Date()));
  return made;
}

function write(file, made) {
  const making = `${file}.${process.pid}-${threadId}`;
  const packed = zlib.gzipSync(v8.serialize(made), { level: 1 });
  attempt(() => {
    fs.writeFileSync(making, packed, { flag: 'wx' });
    fs.renameSync(making, file);
  });
  attempt(() => fs.rmSync(making, { force: true })); // of a full disk
}

/** Makes the folder, and removes those scripts that were not used for longest. */
function makeRoom(folder) {
  attempt(() => fs.mkdirSync(folder, { recursive: true }));
  const names = attempt(() => fs.readdirSync(folder)) ?? [];
  if (names.length > MOST) {
    const files = names.map(name => path.join(folder, name));
    const used = new Map(files.map(file => [file, attempt(() => fs.statSync(file).mtimeMs) ?? 0]));
    files.sort((one, other) => used.get(one) - used.get(other));
    for (const file of files.slice(0, names.length - MOST / 2)) {
      attempt(() => fs.rmSync(file, { force: true }));
    }
  }
}

/** Does what may fail: without anything kept, a script is made all the same. */
function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
