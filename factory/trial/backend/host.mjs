// A real Backstage backend that loads dynamic plugins from a folder, tries them, and says what
// came of it. It reads one JSON object from its standard input:
//
//   {"nonce": "…", "pluginsRoot": "…", "configs": ["…"], "port": 0, "seconds": 60,
//    "routes": ["/api/todo/todos"], "serve": false, "logLevel": "warn",
//    "app": "…", "system": "old", "modules": ["…"], "browser": ["…"], "screenshots": "…", "report": "…"}
//
// writes a JSON object into the file "report", and says so in a line among what plugins print,
// "plugin-factory-trial <nonce>":
//
//   {"address": "…", "packages": […], "started": […],
//    "pending": […], "routes": […], "remotes": […], "app": {…}, "error": null}
//
// Then it ends, or goes on serving until it is ended.

import { randomUUID } from 'node:crypto';
import Module from 'node:module';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { Browser } from './browser.mjs';

const LOOPBACK = '127.0.0.1';
const MOST_ROUTES = 50;
const LONGEST = 2000;
const ANSWER_MILLISECONDS = 10_000;
const CATALOG_MILLISECONDS = 15_000;
const FILLED_MILLISECONDS = 240;
const GUEST = 'user:default/guest';
const MOST_PAGES = 20;
// There is nothing on it but what the app puts on every page.
const BARE_PAGE = '/trial';
const REMOTES = '/.backstage/dynamic-features/remotes';

const request = JSON.parse(await text(process.stdin));

// Plugins get what they share with the backend from the node_modules beside this file. Backstage
// looks for that folder from the working directory, and asks for NODE_PATH when the plugins lie
// elsewhere; both must be so before it is imported.
process.chdir(import.meta.dirname);
// What a portal of another version shares comes first.
const modules = [...request.modules, join(import.meta.dirname, 'node_modules')];
process.env.NODE_PATH = modules.join(delimiter);
Module._initPaths();

const { ConfigSources, FileConfigSource, StaticConfigSource } = await import(
  '@backstage/config-loader'
);
const { createBackend } = await import('@backstage/backend-defaults');
const { httpRouterServiceFactory } = await import('@backstage/backend-defaults/httpRouter');
const { rootHttpRouterServiceFactory } = await import(
  '@backstage/backend-defaults/rootHttpRouter'
);
const {
  CommonJSModuleLoader,
  dynamicPluginsFeatureLoader,
  dynamicPluginsFrontendServiceRef,
  dynamicPluginsServiceRef,
} = await import('@backstage/backend-dynamic-feature-service');
const {
  coreServices,
  createBackendFeatureLoader,
  createBackendPlugin,
  createServiceFactory,
} = await import('@backstage/backend-plugin-api');
const { default: express } = await import('express');
const { default: winston } = await import('winston');

/** Returns a port that was free a moment ago: Backstage wants its own address in advance. */
async function findFreePort() {
  const server = createServer();
  await new Promise(done => server.listen(0, LOOPBACK, done));
  const { port } = server.address();
  await new Promise(done => server.close(done));
  return port;
}

const port = request.port || (await findFreePort());
const address = `http://${LOOPBACK}:${port}`;
// By which a page sees that another Backstage answers now.
const run = randomUUID();
let noteFilled;
const filled = new Promise(done => {
  noteFilled = done;
});

// What stands here gives way to the configuration that is given.
const defaultConfig = {
  catalog: {
    rules: [
      { allow: ['API', 'Component', 'Domain', 'Group', 'Resource', 'System', 'Template', 'User'] },
    ],
    locations: [{ type: 'file', target: join(import.meta.dirname, 'sample-entities.yaml') }],
    stitchingStrategy: { pollingInterval: { milliseconds: 100 } },
  },
};
const ownConfig = {
  app: { baseUrl: address },
  backend: {
    baseUrl: address,
    listen: { host: LOOPBACK, port },
    cors: { origin: address },
    csp: { 'script-src': ["'self'", "'unsafe-eval'"], 'upgrade-insecure-requests': false },
    // What asks without a token is let through; the apps sign in as a guest, and have one.
    auth: { dangerouslyDisableDefaultAuthPolicy: true },
    database: { client: 'better-sqlite3', connection: ':memory:' },
    // A page is opened while Backstage starts: what it asks for comes when that is ready.
    lifecycle: { startupRequestPauseTimeout: { seconds: request.seconds } },
    // One plugin that fails does not hide what becomes of the others.
    startup: {
      default: { onPluginBootFailure: 'continue', onPluginModuleBootFailure: 'continue' },
    },
  },
  auth: {
    environment: 'development',
    providers: { guest: { userEntityRef: GUEST, dangerouslyAllowOutsideDevelopment: true } },
  },
  dynamicPlugins: { rootDirectory: request.pluginsRoot },
};

const rootConfig = createServiceFactory({
  service: coreServices.rootConfig,
  deps: {},
  factory: () =>
    ConfigSources.toConfig(
      ConfigSources.merge([
        StaticConfigSource.create({ data: defaultConfig, context: 'plugin-factory try' }),
        ...request.configs.map(path => FileConfigSource.create({ path, watch: false })),
        StaticConfigSource.create({ data: ownConfig, context: 'plugin-factory try' }),
      ]),
    ),
});

// What each package's entry point exported, by the entry point's path.
const loaded = new Map();

function createNotingLoader(logger) {
  const loader = new CommonJSModuleLoader({ logger });
  return {
    bootstrap: (...words) => loader.bootstrap(...words),
    async load(path) {
      const found = await loader.load(path);
      loaded.set(path, found);
      return found;
    },
  };
}

let dynamicPlugins;
const inventory = createBackendFeatureLoader({
  deps: { plugins: dynamicPluginsServiceRef },
  loader({ plugins }) {
    dynamicPlugins = plugins;
    return [];
  },
});

// The plugins' own routers, by the plugins' ids.
const routers = new Map();
const notingHttpRouter = {
  ...httpRouterServiceFactory,
  async factory(deps, context) {
    const router = await httpRouterServiceFactory.factory(deps, context);
    return {
      ...router,
      use(handler) {
        const pluginId = deps.plugin.getId();
        routers.set(pluginId, [...(routers.get(pluginId) ?? []), handler]);
        router.use(handler);
      },
    };
  },
};

const SCALPRUM_ID = 'scalprum';
// Not called "app": modules of that id want what Backstage's own backend of an app has.
const APP_ID = 'plugin-factory-app';
const remotesId = 'plugin-factory-trial';
// What an app asks for first; a page is opened as soon as all of it is there.
const unserved = new Set([APP_ID, remotesId, ...(request.system === 'old' ? [SCALPRUM_ID] : [])]);
let tellServed;
const served = new Promise(done => {
  tellServed = done;
});

function noteServed(pluginId) {
  unserved.delete(pluginId);
  if (!unserved.size) {
    tellServed();
  }
}

/** Whoever asks for the service of frontends' remotes starts it. */
const remotesPlugin = createBackendPlugin({
  pluginId: remotesId,
  register(env) {
    env.registerInit({
      deps: { _: dynamicPluginsFrontendServiceRef },
      async init() {
        noteServed(remotesId);
      },
    });
  },
});

const SCALPRUM = 'dist-scalprum';

/** Returns the Scalprum plugins that were found: each one's name, package, and folder of files. */
function listScalprum() {
  return (dynamicPlugins?.frontendPlugins({ includeFailed: true }) ?? []).flatMap(plugin => {
    const folder = join(findFolder(plugin), SCALPRUM);
    const file = join(folder, 'plugin-manifest.json');
    if (!existsSync(file)) {
      return [];
    }
    const { name } = JSON.parse(readFileSync(file, 'utf8'));
    return [{ name, packageName: plugin.name, folder }];
  });
}

/** Tells an app of the old frontend system which plugins there are, and serves their files. */
const scalprumPlugin = createBackendPlugin({
  pluginId: SCALPRUM_ID,
  register(env) {
    env.registerInit({
      deps: { router: coreServices.httpRouter },
      async init({ router }) {
        const files = express.Router();
        const plugins = listScalprum();
        files.get('/plugins', (_, response) =>
          response.json(
            Object.fromEntries(
              plugins.map(({ name, packageName }) => {
                const manifestLocation = `${address}/api/scalprum/${name}/plugin-manifest.json`;
                return [name, { name, packageName, manifestLocation }];
              }),
            ),
          ),
        );
        for (const { name, folder } of plugins) {
          const setHeaders = response => response.setHeader('Cache-Control', 'no-transform, max-age=0');
          files.use(`/${name}`, express.static(folder, { cacheControl: false, setHeaders }));
        }
        router.use(files);
        noteServed(SCALPRUM_ID);
      },
    });
  },
});

/** Serves the app, whose pages are its own affair: what is no file of it is index.html. */
const appPlugin = createBackendPlugin({
  pluginId: APP_ID,
  register(env) {
    env.registerInit({
      deps: { router: coreServices.httpRouter, config: coreServices.rootConfig },
      async init({ router, config }) {
        const app = config.getOptional('app') ?? {};
        const files = express.Router();
        files.get('/trial/app-config.json', (_, response) =>
          response.json({
            app: { title: 'Trial', ...app },
            auth: { environment: 'development' },
            backend: { baseUrl: address },
            dynamicPlugins: { frontend: config.getOptional('dynamicPlugins.frontend') ?? {} },
          }),
        );
        files.get('/trial/run', (_, response) => response.json({ run }));
        // Named after their content; compressing them costs more than it saves on the way.
        const keep = 'public, max-age=86400, immutable, no-transform';
        const setHeaders = response => response.setHeader('Cache-Control', keep);
        files.use(express.static(request.app, { cacheControl: false, index: false, setHeaders }));
        files.use((_, response) => response.sendFile(join(request.app, 'index.html')));
        router.use(files);
        noteServed(APP_ID);
      },
    });
  },
});

// Backstage says every second which plugins have not started yet.
let pending = [];
const pendingTransport = new winston.transports.Console({ level: 'info' });
pendingTransport.log = (info, done) => {
  const said = /still initializing: (.*)$/.exec(String(info.message));
  if (said && info.type === 'initialization') {
    pending = [...said[1].matchAll(/'([^']*)'/g)].map(([, id]) => id);
  }
  done();
};

const backend = createBackend();
backend.add(rootConfig);
backend.add(notingHttpRouter);
backend.add(
  dynamicPluginsFeatureLoader({
    moduleLoader: createNotingLoader,
    logger: () => ({
      level: 'info',
      format: winston.format.simple(),
      transports: [
        new winston.transports.Console({
          level: request.logLevel,
          stderrLevels: Object.keys(winston.config.npm.levels),
        }),
        pendingTransport,
      ],
    }),
  }),
);
backend.add(inventory);
backend.add(remotesPlugin);
// What comes with Backstage here, by its plugin's id, unless a plugin of that id is tried.
const OWN = {
  auth: ['@backstage/plugin-auth-backend', '@backstage/plugin-auth-backend-module-guest-provider'],
  catalog: ['@backstage/plugin-catalog-backend'],
};
const tried = listTriedIds();
const own = Object.keys(OWN).filter(id => !tried.has(id));
for (const name of own.flatMap(id => OWN[id])) {
  backend.add(import(name));
}
const ownIds = new Set([...own, APP_ID, SCALPRUM_ID, remotesId]);
if (request.app) {
  backend.add(appPlugin);
  if (request.system === 'old') {
    backend.add(scalprumPlugin);
  }
  backend.add(
    rootHttpRouterServiceFactory({
      indexPath: `/api/${APP_ID}`,
      configure({ app, applyDefaults }) {
        app.use('/api/catalog', waitUntilFilled);
        applyDefaults();
      },
    }),
  );
}

/**
 * Lets pages ask the catalog once it is filled: an app asks only once which entities there are.
 * Plugins of the backend, on which starting waits, are answered as ever: browsers alone say from
 * which site they ask.
 */
function waitUntilFilled(incoming, _, next) {
  if (incoming.headers['sec-fetch-site']) {
    filled.then(() => next());
  } else {
    next();
  }
}

/** Returns the ids of backend plugins, modules left out, that the packages say they bring. */
function listTriedIds() {
  const manifests = readdirSync(request.pluginsRoot).flatMap(folder => {
    try {
      return [JSON.parse(readFileSync(join(request.pluginsRoot, folder, 'package.json'), 'utf8'))];
    } catch {
      return []; // Backstage says what is wrong with it
    }
  });
  return new Set(
    manifests.flatMap(({ backstage }) =>
      backstage?.role === 'backend-plugin' ? [backstage.pluginId] : [],
    ),
  );
}

/** Returns an error with its causes, in its own words, and where in a plugin it arose. */
function describeError(error) {
  if (!(error instanceof Error)) {
    return { message: String(error), at: '' };
  }
  // "at name (file:line:column)", of a plugin's own file.
  const frames = String(error.stack).split(`${request.pluginsRoot}/`).slice(1);
  const at = frames.map(frame => /^[^()\n]*:\d+(?=:\d+)/.exec(frame)?.[0]).find(Boolean) ?? '';
  const causes = [];
  for (let cause = error; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    const words = `${cause.name}: ${cause.message}`;
    // An error of Backstage's repeats its cause in its own message.
    if (!causes.some(before => before.includes(cause.message))) {
      causes.push(words);
    }
  }
  return { message: causes.join('; caused by ').slice(0, LONGEST), at };
}

function readFeatures(exported, manifest) {
  let feature = exported?.default;
  if (feature?.$$type === '@backstage/BackendFeatureFactory') {
    feature = feature();
  }
  if (typeof feature?.getRegistrations === 'function') {
    return feature.getRegistrations().flatMap(({ pluginId, moduleId }) =>
      pluginId ? [{ pluginId, moduleId: moduleId ?? '' }] : [],
    );
  }
  // A loader of features, or an installer: which ones it brings is known to itself alone.
  const pluginId = manifest?.backstage?.pluginId;
  return pluginId && manifest.backstage.role === 'backend-plugin' ? [{ pluginId, moduleId: '' }] : [];
}

function findFolder(plugin) {
  const { location } = dynamicPlugins.getScannedPackage(plugin);
  return decodeURIComponent(new URL(location).pathname).replace(/\/$/, '');
}

/** Returns the packages that were found, each with the features that its entry point exports. */
function listPackages() {
  return (dynamicPlugins?.plugins({ includeFailed: true }) ?? []).map(plugin => {
    const { manifest } = dynamicPlugins.getScannedPackage(plugin);
    const folder = findFolder(plugin);
    const path = [...loaded.keys()].find(one => one.startsWith(`${folder}/`));
    let features = [];
    let failure = plugin.failure ?? '';
    if (path && !failure) {
      try {
        features = readFeatures(loaded.get(path), manifest);
      } catch (error) {
        failure = describeError(error).message;
      }
    }
    return {
      name: plugin.name,
      version: plugin.version,
      role: plugin.role,
      folder,
      failure,
      features,
    };
  });
}

function listStarted(result) {
  return (result?.plugins ?? []).map(({ pluginId, failure, modules }) => ({
    pluginId,
    failure: failure ? describeError(failure.error) : null,
    modules: modules.map(one => ({
      moduleId: one.moduleId,
      failure: one.failure ? describeError(one.failure.error) : null,
    })),
  }));
}

/** Returns the paths of a plugin's GET routes that take no parameters. */
function listRoutes(pluginId) {
  const paths = (routers.get(pluginId) ?? []).flatMap(router =>
    (router?.stack ?? []).flatMap(({ route }) =>
      route?.methods?.get ? [route.path].flat() : [],
    ),
  );
  return paths
    .filter(path => typeof path === 'string' && /^\/[\w./~-]*$/.test(path))
    .map(path => `/api/${pluginId}${path}`);
}

let guestToken = '';

/** Signs in as the apps do, for routes that want a user. */
async function signIn() {
  const { value } = await ask('/api/auth/guest/refresh?env=development', { wantsJson: true });
  guestToken = value?.backstageIdentity?.token ?? '';
}

/** Waits until the catalog has read what the configuration names: all of it, as far as one sees. */
async function waitForCatalog() {
  let last = 0;
  let since = Date.now();
  const end = Date.now() + CATALOG_MILLISECONDS;
  while (Date.now() < end) {
    const path = '/api/catalog/entities/by-query?limit=0';
    const { value } = await ask(path, { wantsJson: true });
    const count = value?.totalItems ?? 0;
    if (count !== last) {
      last = count;
      since = Date.now();
    } else if (count && Date.now() - since >= FILLED_MILLISECONDS) {
      return;
    }
    await new Promise(done => setTimeout(done, 120));
  }
}

/** Returns the status that an address answers with, and the answer as JSON if it is wanted. */
async function ask(path, { wantsJson = false } = {}) {
  try {
    const response = await fetch(new URL(path, address), {
      headers: path.startsWith('/') && guestToken ? { Authorization: `Bearer ${guestToken}` } : {},
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
      redirect: 'manual',
    });
    const value = wantsJson && response.ok ? await response.json() : undefined;
    if (!wantsJson) {
      await response.body?.cancel();
    }
    return { path, status: response.status, problem: '', value };
  } catch (error) {
    return { path, status: 0, problem: error.cause?.message ?? error.message };
  }
}

async function askRoutes() {
  const ids = [...routers.keys()].filter(id => !ownIds.has(id));
  const own = ids.flatMap(listRoutes).slice(0, MOST_ROUTES);
  const wanted = new Set(request.routes);
  const paths = [...new Set([...wanted, ...own])];
  const answers = [];
  for (const path of paths) {
    const { status, problem } = await ask(path);
    answers.push({ path, status, problem, wanted: wanted.has(path) });
  }
  return answers;
}

/** Returns a file's address, or the file as it is where that is no address. */
function resolveAddress(file, base) {
  return URL.canParse(file, base) ? new URL(file, base).href : file;
}

/** Returns the remotes that an app would be told of, and which of their scripts are not served. */
async function askRemotes() {
  const { value } = await ask(REMOTES, { wantsJson: true });
  const remotes = Array.isArray(value) ? value : [];
  return Promise.all(
    remotes.map(async ({ packageName, remoteInfo, exposedModules }) => {
      const manifest = await ask(remoteInfo.entry, { wantsJson: true });
      const entry = manifest.value?.metaData?.remoteEntry;
      const exposes = [manifest.value?.exposes ?? []].flat();
      const scripts = [
        ...(entry ? [join('/', String(entry.path ?? ''), String(entry.name)).slice(1)] : []),
        ...exposes.flatMap(one => one?.assets?.js?.sync ?? []).map(String),
      ];
      const asked = await Promise.all(
        [...new Set(scripts)].map(file => ask(resolveAddress(file, remoteInfo.entry))),
      );
      return {
        package: packageName,
        name: remoteInfo.name,
        modules: exposedModules,
        missing: [manifest, ...asked]
          .filter(one => one.status !== 200)
          .map(one => `${one.path}: ${one.status || one.problem}`),
      };
    }),
  );
}

/** Returns the extensions that the plugins tried brought, of those that a page notes. */
function listTheirs({ modules = [], extensions = [] }) {
  const theirs = new Set(modules.map(one => one.plugin));
  return extensions.filter(one => theirs.has(one.plugin));
}

/**
 * Returns what an app made of the frontends, and how each of their pages came out.
 *
 * @param ready a promise: the catalog has what pages show
 */
async function openApp(ready) {
  const wanted = [];
  const read = notes => (notes ? JSON.parse(notes) : {});
  const listErrors = notes => [read(notes).errors ?? []].flat();
  const findPages = notes => {
    const paths = listTheirs(read(notes)).map(one => one.path);
    const more = new Set(paths.filter(path => /^\/[\w./~-]*$/.test(path)));
    wanted.forEach(({ path }) => more.delete(path));
    const pages = [...more].slice(0, MOST_PAGES - wanted.length).map(path => {
      const name = `${path.slice(1).replace(/[^\w-]/g, '-') || 'index'}.png`;
      return { path, screenshot: request.screenshots ? join(request.screenshots, name) : '' };
    });
    wanted.push(...pages);
    return pages.map(({ path, screenshot }) => ({
      address: new URL(path, address).href, screenshot,
    }));
  };
  const bare = { address: new URL(BARE_PAGE, address).href, screenshot: '' };
  // An error that nobody has caught may be of the page before.
  const isDoubtful = ({ text, notes }) => !text || listErrors(notes).some(one => one?.uncaught);
  const opened = await browser.open([bare], { findMore: findPages, ready, isDoubtful });
  const [first, ...found] = opened.map(({ text, notes, before, problem }) => ({
    ...read(notes),
    errors: listErrors(notes).slice(listErrors(before).length),
    text: text.slice(0, LONGEST),
    problem: problem.slice(0, LONGEST),
  }));
  const pages = found.map(({ text, mounts, problem, errors }, index) => ({
    ...wanted[index], text, mounts, problem, errors,
  }));
  // What an app makes while its pages are looked at counts as well.
  const gather = name => {
    const noted = [first, ...found].flatMap(page => page[name] ?? []);
    return [...new Map(noted.map(one => [JSON.stringify(one), one])).values()];
  };
  const [modules, extensions] = [gather('modules'), gather('extensions')];
  return {
    modules,
    extensions: listTheirs({ modules, extensions }),
    problems: gather('problems'),
    left: gather('left'),
    problem: first.problem,
    pages,
  };
}

const { name, version } = JSON.parse(
  readFileSync(join('node_modules', '@backstage/backend-defaults', 'package.json'), 'utf8'),
);
const report = {
  address,
  backend: `${name} ${version}`,
  packages: [],
  started: [],
  pending: [],
  routes: [],
  remotes: [],
  app: null,
  error: null,
};
const browser = request.app && request.browser.length ? new Browser(request.browser) : null;
let isTimeUp = false;
const timeUp = Symbol('time is up');
const tooLate = new Promise(done => {
  setTimeout(() => done(timeUp), request.seconds * 1000).unref();
});
try {
  browser?.start(); // one starts while the other does
  const starting = backend.start();
  const signedIn = starting.then(signIn);
  const ready = starting.then(() => own.includes('catalog') && waitForCatalog()).then(noteFilled);
  const opening = browser && Promise.race([served, starting]).then(() => openApp(ready));
  for (const later of [signedIn, ready, opening]) {
    later?.catch(() => {}); // it is looked at once Backstage has started
  }
  const ended = await Promise.race([starting, tooLate]);
  if (ended === timeUp) {
    isTimeUp = true;
  } else {
    report.started = listStarted(ended.result);
    [report.routes, report.remotes, report.app] = await Promise.all([
      signedIn.then(askRoutes),
      signedIn.then(askRemotes),
      opening,
    ]);
  }
} catch (error) {
  report.started = listStarted(error?.result);
  report.error = error?.result ? null : describeError(error);
} finally {
  await browser?.close();
}
report.packages = listPackages();
if (isTimeUp) {
  // Before Backstage has said for the first time which plugins it waits for, it is all of them.
  const all = report.packages.flatMap(one => one.features.map(({ pluginId }) => pluginId));
  report.pending = pending.length ? pending : [...new Set(all)];
  if (!report.pending.length) {
    report.error = { message: 'it had not begun to start plugins when time was up', at: '' };
  }
}

writeFileSync(request.report, JSON.stringify(report));
// A plugin may have printed the beginning of a line.
await new Promise(done => process.stdout.write(`\nplugin-factory-trial ${request.nonce}\n`, done));
if (!request.serve || report.error || report.pending.length) {
  process.exit(0);
}
