'use strict';

// Loaded into rhdh-cli before anything else when it exports a frontend plugin (node --require), so
// that what it bundles depends on the sources and not on the folder that they are in.
//
// It changes settings of the two bundlers by their public interfaces, and does nothing in any other
// program. What each setting is for is said where it is set. Each bundle that it has changed is noted
// in a file beside the script, by the folder that it is written to: factory/export/bundling.py compares
// that with the bundles that there are, so that none is missed in silence.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { createHash } = require('node:crypto');

const PROGRAMS = ['@red-hat-developer-hub/cli', '@backstage/cli-module-build'].map(
  name => path.sep + path.join('node_modules', name) + path.sep,
);
const BUNDLER_RUNTIME = '@module-federation/webpack-bundler-runtime';
const MANIFEST = 'plugin-manifest.json';
// As long as the hashes that it stands for, and nothing that a source would say.
const PLACEHOLDER = 'zqdigest';
const NOTES = path.join(__dirname, 'reproducible-bundles.txt');
// The packages that put a bundler's configuration together and run it. Module federation is in
// @backstage/cli up to rhdh-cli 1.10.2, in @backstage/cli-module-build from 1.10.3 on.
const RUNS_BUNDLERS =
  /[\\/]node_modules[\\/](?:@backstage[\\/]cli(?:-module-[\w-]+)?|@red-hat-developer-hub[\\/]cli)[\\/]dist[\\/]/;

const root = rootOfCli();
if (root !== undefined) {
  hideModulesAroundCli();
  wrapBundlers();
}

/** The folder that rhdh-cli is installed in, or undefined in any other program. */
function rootOfCli() {
  try {
    const main = fs.realpathSync(process.argv[1]);
    const at = Math.max(...PROGRAMS.map(program => main.lastIndexOf(program)));
    return at < 0 ? undefined : main.slice(0, at);
  } catch {
    return undefined;
  }
}

function isOfCli(file) {
  return typeof file === 'string' && file.startsWith(root + path.sep);
}

// rhdh-cli is in a folder of the workspace now: it must not find the workspace's packages where it
// has none of its own.
function hideModulesAroundCli() {
  const lookUp = Module._nodeModulePaths;
  Module._nodeModulePaths = from => {
    const folders = lookUp.call(Module, from);
    return isOfCli(from) ? folders.filter(isOfCli) : folders;
  };
}

function wrapBundlers() {
  const wrappers = new Map([
    ['@rspack/core', wrapRspack],
    ['webpack', wrapWebpack],
    ['@module-federation/enhanced/rspack', wrapFederation],
  ]);
  const wrapped = new Map();
  const load = Module._load;
  Module._load = function loadWrapped(request, parent, ...rest) {
    const loaded = load.call(this, request, parent, ...rest);
    const wrapper = wrappers.get(request);
    if (wrapper === undefined || !isOfBackstage(parent?.filename)) {
      return loaded;
    }
    if (!wrapped.has(loaded)) {
      wrapped.set(loaded, wrapper(loaded));
    }
    return wrapped.get(loaded);
  };
  // In a data: URI that becomes a module, whose name and content would hold the absolute path.
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function resolveRelative(request, parent, ...rest) {
    const file = resolve.call(this, request, parent, ...rest);
    const ours = request === BUNDLER_RUNTIME && /[\\/]@rspack[\\/]core[\\/]/.test(parent?.filename);
    return ours ? relative(file) : file;
  };
}

function isOfBackstage(file) {
  return isOfCli(file) && RUNS_BUNDLERS.test(file);
}

/** Note that a bundle is the same in any folder, by where it is written. */
function note(options) {
  const folder = path.relative(process.cwd(), options.output?.path ?? '');
  fs.appendFileSync(NOTES, `${folder.split(path.sep).join('/')}\n`);
}

function relative(file) {
  const found = path.relative(fs.realpathSync(process.cwd()), file).split(path.sep).join('/');
  return found.startsWith('../') ? found : `./${found}`;
}

/** The exports of a module, some of them replaced. They are getters, so a proxy has to do it. */
function replacing(exported, replacements) {
  return new Proxy(exported, {
    get: (target, name) => (Object.hasOwn(replacements, name) ? replacements[name] : target[name]),
  });
}

function called(bundler, prepare, replacements = {}) {
  return new Proxy(bundler, {
    get: (target, name) => (Object.hasOwn(replacements, name) ? replacements[name] : target[name]),
    apply(target, self, [options, ...rest]) {
      for (const one of [options].flat()) {
        prepare(one);
      }
      return Reflect.apply(target, self, [options, ...rest]);
    },
  });
}

function wrapRspack(core) {
  const constructed = (plugin, prepare) =>
    new Proxy(plugin, {
      construct: (target, [options], self) => Reflect.construct(target, [prepare(options)], self),
    });
  const plugins = {
    DefinePlugin: constructed(core.DefinePlugin, withoutBuildTime),
    CssExtractRspackPlugin: constructed(core.CssExtractRspackPlugin, options =>
      withNames(options, byBuild),
    ),
  };
  const prepare = options => {
    named(options, byBuild);
    // Its "deterministic" ids are digests of names, and the names of shared modules are absolute.
    options.optimization = { ...options.optimization, moduleIds: 'natural', chunkIds: 'natural' };
    const stage = core.Compilation.PROCESS_ASSETS_STAGE_REPORT;
    options.plugins = [
      ...(options.plugins ?? []),
      { apply: sortShared },
      { apply: compiler => putDigest(compiler, stage, core.sources.RawSource) },
    ];
    if (options.plugins.some(each => federated.has(each))) {
      note(options);
    }
  };
  return replacing(core, { ...plugins, rspack: called(core.rspack, prepare, plugins) });
}

// All its hashes know absolute paths, and even names that are put right at the end have an effect
// until then: the minimizer calls variables after the letters that it meets most. So every file gets
// the same placeholder, and that becomes the digest of all that the build writes.
function putDigest(compiler, stage, RawSource) {
  compiler.hooks.thisCompilation.tap('plugin-factory', compilation => {
    compilation.hooks.processAssets.tap({ name: 'plugin-factory', stage }, () => {
      const assets = compilation
        .getAssets()
        .map(({ name, source }) => [name, Buffer.from(source.source())])
        .sort(([one], [other]) => (one < other ? -1 : 1));
      const digest = digestOf(assets).slice(0, PLACEHOLDER.length);
      for (const [name, content] of assets) {
        if (content.includes(PLACEHOLDER)) {
          const text = content.toString('utf8').replaceAll(PLACEHOLDER, digest);
          compilation.updateAsset(name, new RawSource(text));
        }
        if (name.includes(PLACEHOLDER)) {
          compilation.renameAsset(name, name.replaceAll(PLACEHOLDER, digest));
        }
      }
    });
  });
}

function digestOf(assets) {
  const digest = createHash('sha256');
  for (const [name, content] of assets) {
    digest.update(`${name}\0${content.length}\0`).update(content);
  }
  return digest.digest('hex');
}

// What a chunk shares with others comes in the order of a hash of absolute paths. It is a literal that
// a runtime module assigns to __webpack_require__.…Data, and its order means nothing.
function sortShared(compiler) {
  const acorn = ofWebpack('acorn');
  compiler.hooks.compilation.tap('plugin-factory', compilation => {
    compilation.hooks.runtimeModule.tap('plugin-factory', module => {
      const text = module.source?.source?.toString() ?? '';
      if (acorn === undefined || !/\.(consumesLoading|initializeSharing)Data = \{/.test(text)) {
        return;
      }
      const parsed = acorn.parse(text, { ecmaVersion: 'latest' });
      const literals = parsed.body
        .map(statement => statement.expression?.right)
        .filter(value => value?.type === 'ObjectExpression');
      module.source.source = literals.reduceRight(
        (done, value) => done.slice(0, value.start) + inOrder(value, text) + done.slice(value.end),
        text,
      );
    });
  });
}

/** The text of a literal with its lists sorted, and its objects by their keys where those are ids. */
function inOrder(node, text) {
  if (node.type === 'ArrayExpression') {
    const items = node.elements.map(element => inOrder(element, text));
    return `[${items.sort().join(', ')}]`;
  }
  if (node.type === 'ObjectExpression') {
    const items = node.properties.map(each => {
      const key = text.slice(each.key.start, each.key.end);
      return [key, `${key}: ${inOrder(each.value, text)}`];
    });
    if (node.properties.every(each => each.key.type === 'Literal')) {
      items.sort(([one], [other]) => (one < other ? -1 : 1));
    }
    return `{ ${items.map(([, item]) => item).join(', ')} }`;
  }
  return text.slice(node.start, node.end);
}

function ofWebpack(name) {
  try {
    return require(require.resolve(name, { paths: [path.join(root, 'node_modules/webpack')] }));
  } catch {
    return undefined;
  }
}

/** What a bundle may say of its own build: the versions; neither the time nor the checkout. */
function withoutBuildTime(definitions) {
  const name = 'process.env.BUILD_INFO';
  if (typeof definitions?.[name] !== 'string') {
    return definitions;
  }
  const info = JSON.parse(definitions[name]);
  const same = { ...info, timestamp: 0, commit: 'unknown', gitVersion: 'unknown' };
  return { ...definitions, [name]: JSON.stringify(same) };
}

// Absolute paths of exposed modules become part of the container's name. Besides, the manifest's
// plugin splits that name at spaces, and so fails in a folder whose path has one.
const federated = new WeakSet();

function wrapFederation(exported) {
  const ModuleFederationPlugin = new Proxy(exported.ModuleFederationPlugin, {
    construct(target, [options], self) {
      const exposes = Object.entries(options.exposes ?? {}).map(([name, file]) => [
        name,
        typeof file === 'string' && path.isAbsolute(file) ? relative(file) : file,
      ]);
      const changed = options.exposes ? { exposes: Object.fromEntries(exposes) } : {};
      // Declarations of types, which it would make where the plugin has a tsconfig.json of its own:
      // it runs tsc beside the bundler, and what is there by the end depends on which is faster.
      const plugin = Reflect.construct(target, [{ ...options, ...changed, dts: false }], self);
      federated.add(plugin);
      return plugin;
    },
  });
  return replacing(exported, { ModuleFederationPlugin });
}

function wrapWebpack(webpack) {
  return called(webpack, options => {
    named(options, byContent);
    // Its "deterministic" ids are digests of names, and the name of a shared module that a build
    // provides is absolute: where such a digest is taken already, another module gets the next one.
    options.optimization = {
      ...options.optimization,
      realContentHash: true,
      moduleIds: 'natural',
      chunkIds: 'natural',
    };
    for (const use of (options.module?.rules ?? []).flatMap(rule => rule?.use ?? [])) {
      // A source map that is text keeps its absolute paths, and they go into the module's hash.
      if (/[\\/]swc-loader[\\/]/.test(use?.loader)) {
        use.options = { ...use.options, parseMap: true };
      }
    }
    for (const plugin of options.plugins ?? []) {
      const adapted = plugin?.adaptedOptions;
      if (typeof adapted?.entryScriptFilename === 'string') {
        adapted.entryScriptFilename = byContent(adapted.entryScriptFilename);
      }
    }
    options.plugins = [...(options.plugins ?? []), { apply: c => digestBuild(c, webpack) }];
    note(options);
  });
}

// Scalprum's manifest has the hash of the compilation, which knows absolute paths: it becomes the
// digest of everything else that is written.
function digestBuild(compiler, webpack) {
  compiler.hooks.thisCompilation.tap('plugin-factory', compilation => {
    const stage = webpack.Compilation.PROCESS_ASSETS_STAGE_REPORT;
    compilation.hooks.processAssets.tap({ name: 'plugin-factory', stage }, assets => {
      if (assets[MANIFEST] === undefined) {
        return;
      }
      const manifest = JSON.parse(assets[MANIFEST].source().toString());
      const others = Object.keys(assets).filter(name => name !== MANIFEST);
      const written = others.sort().map(name => [name, assets[name].buffer()]);
      // It names the entry script as it was called before its real content hash was known, and is
      // passed over when those names are replaced: to webpack it is binary.
      const scripts = [...compilation.entrypoints.values()].flatMap(entry => entry.getFiles());
      manifest.loadScripts = [...new Set(scripts.filter(name => name.endsWith('.js')))];
      manifest.buildHash = digestOf(written).slice(0, manifest.buildHash.length);
      const text = JSON.stringify(manifest, null, 2);
      compilation.updateAsset(MANIFEST, new webpack.sources.RawSource(Buffer.from(text)));
    });
  });
}

/** Let a build's files be called after their content, not after what was compiled where. */
function named(options, rename) {
  options.output = withNames(options.output, rename);
  const groups = options.optimization?.splitChunks?.cacheGroups ?? {};
  for (const [key, group] of Object.entries(groups)) {
    groups[key] = withNames(group, rename);
  }
}

function withNames(options, rename) {
  const fields = ['filename', 'chunkFilename'].filter(each => typeof options?.[each] === 'string');
  const names = fields.map(field => [field, rename(options[field])]);
  return names.length ? { ...options, ...Object.fromEntries(names) } : options;
}

function byContent(name) {
  return name.replace(/\[(?:fullhash|chunkhash|hash)\b/g, '[contenthash');
}

function byBuild(name) {
  return name.replace(/\[(?:fullhash|chunkhash|contenthash|hash)(?::\d+)?\]/g, PLACEHOLDER);
}
