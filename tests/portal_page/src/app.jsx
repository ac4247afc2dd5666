// A small Backstage app: it asks the backend which frontend plugins it serves, and shows a page
// of each that has one.

import { createApp } from '@backstage/app-defaults';
import { AppRouter, FlatRoutes } from '@backstage/core-app-api';
import { init, loadRemote } from '@module-federation/runtime-tools';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { Route } from 'react-router-dom';

const REMOTES = '/.backstage/dynamic-features/remotes';

async function pages() {
  const remotes = await (await fetch(REMOTES)).json();
  init({
    name: 'portal_page',
    remotes: remotes.map(({ remoteInfo: { name, entry } }) => ({ name, entry })),
  });
  const modules = await Promise.all(remotes.map(({ remoteInfo: { name } }) => loadRemote(name)));
  return modules.flatMap(module =>
    Object.entries(module).filter(([name]) => name.endsWith('Page')),
  );
}

const app = createApp({
  configLoader: async () => [
    {
      context: 'portal-page',
      data: {
        app: { title: 'Portal', baseUrl: `${window.location.origin}/page` },
        backend: { baseUrl: window.location.origin },
      },
    },
  ],
});

const found = await pages();
const Root = app.createRoot(
  <AppRouter>
    <FlatRoutes>
      {found.map(([name, Page]) => (
        <Route key={name} path={`/${name}`} element={<Page />} />
      ))}
    </FlatRoutes>
  </AppRouter>,
);
createRoot(document.getElementById('root')).render(<Root />);
