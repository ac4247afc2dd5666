/*
 * Replaces the package's own index, which has named exports only. A portal loads the default export of
 * a dynamic plugin, and only that: so it has to bring the plugin and its catalog module together.
 */
import { createBackendFeatureLoader } from '@backstage/backend-plugin-api';
import { catalogPluginGitlabFillerProcessorModule, gitlabPlugin } from './plugin';

export * from './plugin';
export * from './processor';
export * from './service/router';

export default createBackendFeatureLoader({
  *loader() {
    yield gitlabPlugin;
    yield catalogPluginGitlabFillerProcessorModule;
  },
});
