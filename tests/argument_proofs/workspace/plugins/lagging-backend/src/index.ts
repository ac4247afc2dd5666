import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { buildArgoUrl } from '@roadiehq/backstage-plugin-argo-cd-node';

export default createBackendPlugin({
  pluginId: 'lagging',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        httpRouter.use((_request, response) => {
          response.json({ url: buildArgoUrl('http://argo.test', 'api/v1') });
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
