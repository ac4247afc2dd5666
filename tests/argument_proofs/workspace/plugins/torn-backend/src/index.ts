import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { createPublishBitbucketCloudAction } from '@backstage/plugin-scaffolder-backend-module-bitbucket-cloud';
import { createArgoCdResources } from '@roadiehq/scaffolder-backend-argocd';

export default createBackendPlugin({
  pluginId: 'torn',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        httpRouter.use((_request, response) => {
          response.json([
            createArgoCdResources.name,
            createPublishBitbucketCloudAction.name,
          ]);
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
