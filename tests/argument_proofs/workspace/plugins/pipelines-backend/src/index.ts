import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { ScmIntegrations } from '@backstage/integration';
import { createPublishBitbucketCloudAction } from '@backstage/plugin-scaffolder-backend-module-bitbucket-cloud';

export default createBackendPlugin({
  pluginId: 'pipelines',
  register(env) {
    env.registerInit({
      deps: {
        config: coreServices.rootConfig,
        httpRouter: coreServices.httpRouter,
      },
      async init({ config, httpRouter }) {
        const integrations = ScmIntegrations.fromConfig(config);
        const action = createPublishBitbucketCloudAction({
          integrations,
          config,
        });
        httpRouter.use((_request, response) => {
          response.json({ action: action.id });
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
