import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { buildArgoUrl } from '@roadiehq/backstage-plugin-argo-cd-node';

export default createBackendPlugin({
  pluginId: 'torn',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        httpRouter.use((_request, response) => {
          response.json([buildArgoUrl.name, ConfigReader.name]);
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
