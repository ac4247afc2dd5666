import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { getBitbucketCloudDefaultBranch } from '@backstage/integration';
import { BitbucketCloudClient } from '@backstage/plugin-bitbucket-cloud-common';

export default createBackendPlugin({
  pluginId: 'torn',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        httpRouter.use((_request, response) => {
          response.json([
            BitbucketCloudClient.name,
            getBitbucketCloudDefaultBranch.name,
          ]);
        });
      },
    });
  },
});
