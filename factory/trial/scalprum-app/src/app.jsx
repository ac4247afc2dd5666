// A Backstage app of the old frontend system: it asks its backend which Scalprum plugins there are,
// and shows what dynamicPlugins.frontend of the configuration mounts of them, as RHDH up to 2.0 does.

import { createApp } from '@backstage/app-defaults';
import { AppRouter, FlatRoutes } from '@backstage/core-app-api';
import {
  AlertDisplay,
  OAuthRequestDialog,
  ProxiedSignInPage,
  SidebarPage,
} from '@backstage/core-components';
import { configApiRef, createApiFactory } from '@backstage/core-plugin-api';
import { ScmIntegrationsApi, scmIntegrationsApiRef } from '@backstage/integration-react';
import { CatalogEntityPage, CatalogIndexPage, catalogPlugin } from '@backstage/plugin-catalog';
import '@backstage/ui/css/styles.css';
import { ScalprumProvider } from '@scalprum/react-core';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { Navigate, Route } from 'react-router-dom';
import { EntityPageNotes, listTabs, listUnknownPoints, makeEntityPage } from './entity_page';
import { mount, nameMount } from './mounts';
import { note, noteMounted } from './notes';
import { Menu } from './sidebar';
import { loadWiring } from './wiring';

const NOTED_MILLISECONDS = 200;

async function fetchJson(path) {
  const response = await fetch(path);
  return response.ok ? response.json() : {};
}

function bindRoutes({ bind }, { targets, bindings }) {
  const known = { catalogPlugin };
  for (const { name, value } of targets) {
    known[name] = value;
  }
  const find = path => path.split('.').reduce((value, step) => value?.[step], known);
  for (const { bindTarget, bindMap } of bindings) {
    const external = find(bindTarget);
    if (external) {
      const bound = Object.entries(bindMap ?? {}).map(([name, path]) => [name, find(path)]);
      bind(external, Object.fromEntries(bound));
    }
  }
}

const [served, config] = await Promise.all([
  fetchJson('/api/scalprum/plugins'),
  fetchJson('/trial/app-config.json'),
]);
const { scalprum, wiring } = await loadWiring(served, config.dynamicPlugins?.frontend);
const tabs = listTabs(wiring);
const at = point => wiring.mountPoints.filter(entry => entry.mountPoint === point);
for (const route of wiring.dynamicRoutes) {
  note('extensions', { id: nameMount(route), plugin: route.plugin, path: route.path });
}
for (const item of wiring.menuItems) {
  note('extensions', { id: `menuItems.${item.name}`, plugin: item.plugin, path: '' });
}
const APP_POINTS = ['application/header', 'application/listener', 'application/provider'];
for (const entry of listUnknownPoints(wiring, tabs)) {
  if (APP_POINTS.includes(entry.mountPoint)) {
    note('extensions', { id: nameMount(entry), plugin: entry.plugin, path: '' });
  } else {
    const message = `${entry.way}: this app has no mount point ${entry.mountPoint}`;
    note('left', { plugin: entry.plugin, message });
  }
}

const app = createApp({
  apis: [
    createApiFactory({
      api: scmIntegrationsApiRef,
      deps: { config: configApiRef },
      factory: ({ config: of }) => ScmIntegrationsApi.fromConfig(of),
    }),
    ...wiring.apiFactories.map(entry => entry.value),
  ],
  plugins: wiring.plugins,
  icons: Object.fromEntries(wiring.appIcons.map(({ name, value }) => [name, value])),
  ...(wiring.themes.length && {
    themes: wiring.themes.map(({ id, title, variant, value: Provider }) => ({
      id,
      title,
      variant,
      Provider,
    })),
  }),
  ...(wiring.translationResources.length && {
    __experimentalTranslations: {
      resources: wiring.translationResources.map(entry => entry.value),
    },
  }),
  bindRoutes: context => bindRoutes(context, wiring.routeBindings),
  components: {
    SignInPage: props => <ProxiedSignInPage {...props} provider="guest" />,
  },
  configLoader: async () => [{ context: 'trial', data: config }],
});
// Plugins of RHDH's own ask for this.
Object.assign(scalprum.api, { dynamicRootConfig: wiring });

const inner = (
  <SidebarPage>
    {at('application/listener').map(mount)}
    {at('application/header').map(mount)}
    <Menu wiring={wiring} />
    <EntityPageNotes tabs={tabs} />
    <FlatRoutes>
      {wiring.dynamicRoutes.some(route => route.path === '/') || (
        <Route path="/" element={<Navigate to="/catalog" />} />
      )}
      <Route path="/catalog" element={<CatalogIndexPage />} />
      <Route path="/catalog/:namespace/:kind/:name" element={<CatalogEntityPage />}>
        {makeEntityPage(wiring, tabs)}
      </Route>
      {wiring.dynamicRoutes.map(route => (
        <Route
          key={route.path}
          path={route.path}
          element={mount(route.menuItem?.importName ? { ...route, config: {} } : route)}
        />
      ))}
    </FlatRoutes>
  </SidebarPage>
);
const Root = app.createRoot(
  <ScalprumProvider scalprum={scalprum}>
    <AlertDisplay />
    <OAuthRequestDialog />
    <AppRouter>
      {at('application/provider').reduce(
        (children, { value: Provider }) => (
          <Provider>{children}</Provider>
        ),
        inner,
      )}
    </AppRouter>
  </ScalprumProvider>,
);
createRoot(document.getElementById('root')).render(<Root />);
setInterval(noteMounted, NOTED_MILLISECONDS);
