import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { createArgoCdResources } from '@roadiehq/scaffolder-backend-argocd';

export default createBackendPlugin({
  pluginId: 'deployments',
  register(env) {
    env.registerInit({
      deps: {
        config: coreServices.rootConfig,
        logger: coreServices.logger,
        httpRouter: coreServices.httpRouter,
      },
      async init({ config, logger, httpRouter }) {
        const action = createArgoCdResources(config, logger);
        httpRouter.use((_request, response) => {
          response.json({ action: action.id });
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
