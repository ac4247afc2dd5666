// Loads a backend plugin as a portal would, and says what it found as one line of JSON.
//
//   node load_plugin.cjs < {"folder": …, "main": …, "alpha": …, "hostModules": […], "provided": […]}
//
// A plugin's peers are not in its artifact. They come from `hostModules` (node_modules folders of a
// real host); where those lack one of the packages in `provided`, a stand-in takes its place: a
// value that may be called, constructed, extended and looked into, with no end.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const RESULT = 'plugin-factory-load-result ';
const PLUGIN_API = '@backstage/backend-plugin-api';
const { folder, main, alpha, hostModules, provided, nonce } = JSON.parse(
  fs.readFileSync(0, 'utf8'),
);
// Taken before the plugin runs: it may put others in their place, to say what it likes.
const { stringify } = JSON;
const { writeSync } = fs;
const { exit } = process;
const providedByHost = new Set(provided);
const ownPackage = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
const ownName = String(ownPackage.name);
const ownNames = new Set([ownName, ownName.replace(/-dynamic$/, '')]);
const standIns = new Map();
const standInValues = new WeakSet();
let told = false;

function tell(result) {
  if (told) {
    return;
  }
  told = true;
  writeSync(1, `\n${RESULT}${nonce} ${stringify({ ...result, standIns: [...standIns.keys()] })}\n`);
}

process.on('exit', code => tell({ error: { message: `the plugin ended the process (${code})` } }));

/** A value that goes along with whatever is done to it. */
function anything(name, known = {}) {
  const value = new Proxy(function standIn() {}, {
    get(target, key) {
      if (Object.hasOwn(known, key)) {
        return known[key];
      }
      if (key === 'prototype') {
        return target.prototype;
      }
      if (key === Symbol.toPrimitive) {
        return () => '';
      }
      if (key === Symbol.iterator || key === Symbol.asyncIterator) {
        return function* none() {};
      }
      if (key === '__esModule') {
        return true;
      }
      // No promise, no feature by itself, and nothing that a runtime asks every value for.
      if (key === 'then' || key === '$$type' || typeof key === 'symbol') {
        return undefined;
      }
      if (key === 'name') {
        return name;
      }
      known[key] = key === 'default' ? value : anything(`${name}.${key}`);
      return known[key];
    },
    has: (target, key) => typeof key === 'string' || key in target,
    set(target, key, content) {
      known[key] = content;
      return true;
    },
    apply: () => anything(`${name}()`),
    construct: (target, parameters, extended) =>
      extended === value ? anything(`new ${name}`) : Object.create(extended.prototype ?? null),
  });
  standInValues.add(value);
  return value;
}

function feature() {
  return Object.assign(() => feature(), { $$type: '@backstage/BackendFeature', version: 'v1' });
}

/** The stand-in of a package: for Backstage's own API, one that makes features. */
function standIn(request) {
  if (!standIns.has(request)) {
    const known = {};
    if (request === PLUGIN_API || request.startsWith(`${PLUGIN_API}/`)) {
      for (const maker of ['Plugin', 'Module', 'FeatureLoader']) {
        known[`createBackend${maker}`] = feature;
      }
      known.createServiceFactory = feature;
      known.resolvePackagePath = (_, ...parts) => path.join(folder, ...parts);
      known.resolveSafeChildPath = (base, child) => path.join(String(base), String(child));
    }
    standIns.set(request, anything(request, known));
  }
  return standIns.get(request);
}

function packageOf(request) {
  const parts = request.split('/');
  return request.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

function isBare(request) {
  return !/^(\.{0,2}\/|\.{1,2}$|node:|#)/.test(request);
}

const isInPlugin = file => Boolean(file) && file.startsWith(folder + path.sep);

const nodeModulePaths = Module._nodeModulePaths;
Module._nodeModulePaths = from => {
  const paths = nodeModulePaths(from);
  return from === folder || isInPlugin(from)
    ? paths.filter(one => isInPlugin(one)).concat(hostModules)
    : paths;
};

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function resolve(request, parent, ...more) {
  try {
    return resolveFilename.call(this, request, parent, ...more);
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' || !isBare(request)) {
      throw error;
    }
    if (request.endsWith('/package.json') && ownNames.has(packageOf(request))) {
      return path.join(folder, 'package.json');
    }
    if (!isInPlugin(parent?.filename) || !providedByHost.has(packageOf(request))) {
      throw error;
    }
    const name = `stand-in:${request}`;
    if (!Module._cache[name]) {
      const module = new Module(name);
      module.exports = standIn(request);
      module.loaded = true;
      Module._cache[name] = module;
    }
    return name;
  }
};

// An ES module names what it imports before it runs, so its stand-ins are written for it: they
// export every name that stands between the braces of an import of the package.
const HOOKS = `
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
let host;
export function initialize(data) { host = { ...data, provided: new Set(data.provided) }; }
const packageOf = request => request.split('/').slice(0, request.startsWith('@') ? 2 : 1).join('/');
export async function resolve(request, context, next) {
  try {
    return await next(request, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^(\\.|\\/|node:|#|file:)/.test(request)) throw error;
    for (const parentURL of host.parents) {
      try { return await next(request, { ...context, parentURL }); } catch { /* the next one */ }
    }
    if (!host.provided.has(packageOf(request))) throw error;
    const url = 'stand-in:' + encodeURIComponent(request) + '?' + encodeURIComponent(context.parentURL);
    return { url, format: 'module', shortCircuit: true };
  }
}
export async function load(url, context, next) {
  if (!url.startsWith('stand-in:')) return next(url, context);
  const [request, parent] = url.slice('stand-in:'.length).split('?').map(decodeURIComponent);
  const quoted = JSON.stringify(request).slice(1, -1).replace(/[.*+?^$\\{}()|[\\]\\\\]/g, '\\\\$&');
  const imports = new RegExp('(?:import|export)[^;{\\'"]*\\\\{([^}]*)\\\\}\\\\s*from\\\\s*["\\']' + quoted + '["\\']', 'g');
  const names = new Set();
  for (const [, list] of readFileSync(fileURLToPath(parent), 'utf8').matchAll(imports)) {
    for (const one of list.split(',')) {
      const name = one.trim().split(/\\s+as\\s+/)[0].replace(/^type\\s+/, '');
      if (/^[A-Za-z_$][\\w$]*$/.test(name) && name !== 'default') names.add(name);
    }
  }
  const source = [
    'const it = globalThis[Symbol.for("plugin-factory.stand-in")](' + JSON.stringify(request) + ');',
    'export default it;',
    ...[...names].map((name, i) => 'const n' + i + ' = it.' + name + '; export { n' + i + ' as ' + name + ' };'),
  ].join('\\n');
  return { format: 'module', source, shortCircuit: true };
}
`;

async function load(file, manifest) {
  const isModule = file.endsWith('.mjs') || (manifest.type === 'module' && !file.endsWith('.cjs'));
  if (!isModule) {
    return { format: 'CommonJS', exported: require(file) };
  }
  globalThis[Symbol.for('plugin-factory.stand-in')] = standIn;
  Module.register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
    parentURL: pathToFileURL(__filename).href,
    data: { provided, parents: hostModules.map(one => pathToFileURL(path.join(one, '_')).href) },
  });
  return { format: 'ESM', exported: await import(pathToFileURL(file).href) };
}

/** What makes it a plugin, by the rules of rhdh-cli and the dynamic feature service. */
function kindOf(exported) {
  const { default: offered, dynamicPluginInstaller: installer } = exported ?? {};
  const isObject = offered && (typeof offered === 'object' || typeof offered === 'function');
  if (isObject && offered.$$type === '@backstage/BackendFeature') {
    return 'a backend feature';
  }
  if (typeof offered === 'function' && offered.$$type === '@backstage/BackendFeatureFactory') {
    return 'a backend feature factory';
  }
  if (typeof installer === 'object' && installer?.kind === 'new' && installer.install) {
    return 'a dynamicPluginInstaller';
  }
  return isObject && standInValues.has(offered) ? 'stand-in' : undefined;
}

function described(exported) {
  const kind = value => value?.$$type ?? (value === null ? 'null' : typeof value);
  return Object.keys(exported ?? {})
    .slice(0, 20)
    .map(name => `${name}: ${String(kind(exported[name]))}`);
}

async function run() {
  const found = [];
  for (const file of [main, alpha].filter(Boolean)) {
    try {
      const { format, exported } = await load(path.join(folder, file), ownPackage);
      found.push({ format, kind: kindOf(exported), exports: described(exported) });
    } catch (error) {
      const { code, message = String(error), stack = '', requireStack = [] } = error ?? {};
      const at = stack.split('\n').find(line => line.includes(folder)) ?? '';
      const asker = requireStack[0] ?? (code === 'ERR_MODULE_NOT_FOUND' ? message : stack);
      return tell({
        error: {
          name: String(error?.name),
          code: String(code),
          message: String(message).split('\n')[0],
          at: at.trim(),
          isOfPlugin: asker.split('\n')[0].includes(folder),
        },
      });
    }
  }
  return tell({ found: found.find(one => one.kind) ?? found[0] });
}

run().finally(() => Reflect.apply(exit, process, [0]));
