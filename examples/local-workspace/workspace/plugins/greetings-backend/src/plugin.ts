import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { greetingsExtensionPoint } from '@plugin-factory-example/plugin-greetings-node';
import { Phrasebook } from './Phrasebook';
import { createRouter } from './router';

/**
 * The greetings backend plugin.
 *
 * @public
 */
export const greetingsPlugin = createBackendPlugin({
  pluginId: 'greetings',
  register(env) {
    const phrasebook = new Phrasebook([
      { language: 'en', template: 'Hello, {name}!' },
    ]);

    env.registerExtensionPoint(greetingsExtensionPoint, {
      addLanguage: greeting => phrasebook.add(greeting),
    });

    env.registerInit({
      deps: {
        config: coreServices.rootConfig,
        httpRouter: coreServices.httpRouter,
        logger: coreServices.logger,
      },
      async init({ config, httpRouter, logger }) {
        const languages = config.getOptionalStringArray('greetings.languages');
        logger.info(`Greeting in ${phrasebook.languages(languages).join(', ')}`);

        httpRouter.use(createRouter({ phrasebook, languages }));
        httpRouter.addAuthPolicy({
          path: '/greetings',
          allow: 'unauthenticated',
        });
      },
    });
  },
});
