import {
  createApiFactory,
  createComponentExtension,
  createPlugin,
  createRoutableExtension,
  discoveryApiRef,
  fetchApiRef,
} from '@backstage/core-plugin-api';
import { GreetingsClient, greetingsApiRef } from './api/GreetingsApi';
import { rootRouteRef } from './routes';

/**
 * The greetings plugin.
 *
 * @public
 */
export const greetingsPlugin = createPlugin({
  id: 'greetings',
  apis: [
    createApiFactory({
      api: greetingsApiRef,
      deps: { discoveryApi: discoveryApiRef, fetchApi: fetchApiRef },
      factory: deps => new GreetingsClient(deps),
    }),
  ],
  routes: { root: rootRouteRef },
});

/**
 * The page with the greetings, to be mounted on a route.
 *
 * @public
 */
export const GreetingsPage = greetingsPlugin.provide(
  createRoutableExtension({
    name: 'GreetingsPage',
    component: () =>
      import('./components/GreetingsPage').then(m => m.GreetingsPage),
    mountPoint: rootRouteRef,
  }),
);

/**
 * The greetings alone, to be put on another plugin's page.
 *
 * @public
 */
export const GreetingsCard = greetingsPlugin.provide(
  createComponentExtension({
    name: 'GreetingsCard',
    component: {
      lazy: () =>
        import('./components/GreetingsCard').then(m => m.GreetingsCard),
    },
  }),
);
