// A real Backstage backend that loads dynamic plugins from a folder.
//
//   node host.mjs --plugins-root FOLDER [--modules FOLDER ...] [--port 7007] [--config FILE ...]
//     [--page FOLDER] [--log-level warn]
//
// --page names a bundled web page, which is then served under /page/, and with it what the portal
// tells it of frontend plugins. --modules names a node_modules folder with more packages that plugins share with the host.
// Without --port a free one is taken. When every plugin has started, one JSON line on
// stdout says where the backend listens and what it found; logs go to stderr:
//
//   {"listening": 7007, "plugins": [{"name": "…", "version": "…", "platform": "node", "role": "…"}]}
//
// A plugin that could not be loaded has a "failure" there. A backend plugin that loads
// but fails to start ends the process with exit code 1. SIGTERM ends it with 0.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const LOOPBACK = '127.0.0.1';

const { values: options } = parseArgs({
  options: {
    'plugins-root': { type: 'string' },
    modules: { type: 'string', multiple: true, default: [] },
    port: { type: 'string', default: '0' },
    config: { type: 'string', multiple: true, default: [] },
    page: { type: 'string' },
    'log-level': { type: 'string', default: 'warn' },
  },
});
if (!options['plugins-root']) {
  console.error('host.mjs: --plugins-root FOLDER is needed');
  process.exit(2);
}
const pluginsRoot = resolve(options['plugins-root']);
const moreModules = options.modules.map(folder => resolve(folder));
const page = options.page && resolve(options.page);
const configFiles = options.config.map(file => resolve(file));

// Plugins get what they share with the host from the node_modules beside this file.
// Backstage looks for that folder from the working directory, and asks for NODE_PATH when
// the plugins lie elsewhere; both must be so before it is imported.
process.chdir(import.meta.dirname);
process.env.NODE_PATH = [join(import.meta.dirname, 'node_modules'), ...moreModules].join(delimiter);
Module._initPaths();

const { ConfigSources, FileConfigSource, StaticConfigSource } = await import(
  '@backstage/config-loader'
);
const { createBackend } = await import('@backstage/backend-defaults');
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
async function freePort() {
  const server = createServer();
  await new Promise(done => server.listen(0, LOOPBACK, done));
  const { port } = server.address();
  await new Promise(done => server.close(done));
  return port;
}

/**
 * Returns the settings of a key store that needs no database, its keys made for this
 * process: a host without a database needs no compiled SQLite.
 */
function pluginKeyStore() {
  const folder = mkdtempSync(join(tmpdir(), 'backstage-host-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const publicKeyFile = join(folder, 'public.pem');
  const privateKeyFile = join(folder, 'private.pem');
  writeFileSync(publicKeyFile, publicKey);
  writeFileSync(privateKeyFile, privateKey, { mode: 0o600 });
  return {
    type: 'static',
    static: { keys: [{ keyId: 'host', publicKeyFile, privateKeyFile }] },
  };
}

const port = Number(options.port) || (await freePort());
const baseUrl = `http://${LOOPBACK}:${port}`;

const hostConfig = {
  app: { baseUrl },
  backend: {
    baseUrl,
    listen: { host: LOOPBACK, port },
    auth: { pluginKeyStore: pluginKeyStore() },
    // Opened only for a plugin that asks for its database, which then needs a
    // better-sqlite3 that was compiled for this machine.
    database: { client: 'better-sqlite3', connection: ':memory:' },
  },
  dynamicPlugins: { rootDirectory: pluginsRoot },
};

const rootConfig = createServiceFactory({
  service: coreServices.rootConfig,
  deps: {},
  factory: () =>
    ConfigSources.toConfig(
      ConfigSources.merge([
        ...configFiles.map(path => FileConfigSource.create({ path, watch: false })),
        StaticConfigSource.create({ data: hostConfig, context: 'host.mjs' }),
      ]),
    ),
});

let plugins = [];
const pluginsInventory = createBackendFeatureLoader({
  deps: { dynamicPlugins: dynamicPluginsServiceRef },
  loader({ dynamicPlugins }) {
    plugins = dynamicPlugins
      .plugins({ includeFailed: true })
      .map(({ name, version, platform, role, failure }) => ({
        name,
        version,
        platform,
        role,
        failure,
      }));
    return [];
  },
});

/** Serves the page; its routes are the page's own affair, so all of them are index.html. */
const pagePlugin = createBackendPlugin({
  pluginId: 'page',
  register(env) {
    env.registerInit({
      // Whoever asks for the remotes' service starts it.
      deps: { router: coreServices.rootHttpRouter, _: dynamicPluginsFrontendServiceRef },
      async init({ router }) {
        const files = express.Router();
        files.use(express.static(page));
        files.use((_, response) => response.sendFile(join(page, 'index.html')));
        router.use('/page', files);
      },
    });
  },
});

const backend = createBackend();
backend.add(rootConfig);
backend.add(
  dynamicPluginsFeatureLoader({
    moduleLoader: logger => new CommonJSModuleLoader({ logger }),
    logger: () => ({
      level: options['log-level'],
      format: winston.format.simple(),
      transports: [
        new winston.transports.Console({
          stderrLevels: Object.keys(winston.config.npm.levels),
        }),
      ],
    }),
  }),
);
backend.add(pluginsInventory);
if (page) {
  backend.add(pagePlugin);
}

try {
  await backend.start();
} catch (error) {
  console.error(error);
  process.exit(1);
}
console.log(JSON.stringify({ listening: port, plugins }));
