// A Backstage app of the new frontend system: it asks its backend which frontend plugins there are,
// loads the modules that each exposes, and takes those default exports that are features.

import { ConfigReader } from '@backstage/config';
import { ProxiedSignInPage } from '@backstage/core-components';
import { createApp } from '@backstage/frontend-defaults';
import { coreExtensionData, createFrontendModule } from '@backstage/frontend-plugin-api';
import { SignInPageBlueprint } from '@backstage/plugin-app-react';
import catalogPlugin from '@backstage/plugin-catalog/alpha';
import '@backstage/ui/css/styles.css';
import { init, loadRemote } from '@module-federation/runtime-tools';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { note } from './notes';

const REMOTES = '/.backstage/dynamic-features/remotes';
// What attaches to an entity's page is looked at on this one's.
const ENTITY = '/catalog/default/component/sample-service';
const FEATURES = ['@backstage/FrontendPlugin', '@backstage/FrontendModule'];

async function fetchJson(path) {
  const response = await fetch(path);
  return response.ok ? response.json() : [];
}

/** Returns the features of a module, and notes what becomes of it. */
async function loadFeatures(packageName, remote, exposed) {
  const noted = { package: packageName, module: exposed, plugin: '', problem: '' };
  try {
    const feature = (await loadRemote(exposed === '.' ? remote : `${remote}/${exposed}`))?.default;
    if (FEATURES.includes(feature?.$$type)) {
      note('modules', { ...noted, plugin: feature.id ?? feature.pluginId });
      return [feature];
    }
    note('modules', { ...noted, problem: 'its default export is no frontend plugin or module' });
  } catch (error) {
    note('modules', { ...noted, problem: `it cannot be loaded: ${error.message}` });
  }
  return [];
}

/** Returns the path where an extension is to be seen; "" if it has none. */
function findPath({ id }, routePath) {
  if (/^entity-(card|content):/.test(id)) {
    const below = id.startsWith('entity-content:') ? routePath : '';
    return ENTITY + (below && below !== '/' ? `/${below.replace(/^\//, '')}` : '');
  }
  return routePath;
}

/** Notes each extension that the app makes, and the path of those that are pages. */
function* noteExtension(makeOriginal, { node }) {
  const made = makeOriginal();
  const plugin = node.spec.plugin?.id ?? node.spec.source?.id ?? '';
  const path = findPath(node.spec, made.get(coreExtensionData.routePath) ?? '');
  note('extensions', { id: node.spec.id, plugin, path });
  yield* made;
}

async function loadAll() {
  const remotes = await fetchJson(REMOTES);
  init({
    name: 'trial_app',
    remotes: remotes.map(({ remoteInfo: { name, entry } }) => ({ name, entry })),
  });
  const modules = remotes.flatMap(({ packageName, remoteInfo, exposedModules }) =>
    exposedModules.map(exposed => loadFeatures(packageName, remoteInfo.name, exposed)),
  );
  return (await Promise.all(modules)).flat();
}

const signInModule = createFrontendModule({
  pluginId: 'app',
  extensions: [
    SignInPageBlueprint.make({
      params: {
        loader: async () => props => <ProxiedSignInPage {...props} provider="guest" />,
      },
    }),
  ],
});

const [features, config] = await Promise.all([loadAll(), fetchJson('/trial/app-config.json')]);
const app = createApp({
  features: [catalogPlugin, signInModule, ...features],
  advanced: {
    configLoader: async () => ({ config: new ConfigReader(config) }),
    extensionFactoryMiddleware: noteExtension,
  },
});
createRoot(document.getElementById('root')).render(app.createRoot());
