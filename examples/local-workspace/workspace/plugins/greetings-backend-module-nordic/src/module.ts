import { createBackendModule } from '@backstage/backend-plugin-api';
import { greetingsExtensionPoint } from '@plugin-factory-example/plugin-greetings-node';

/**
 * Adds Danish, Finnish, Icelandic, Norwegian and Swedish to the greetings plugin.
 *
 * @public
 */
export const greetingsModuleNordic = createBackendModule({
  pluginId: 'greetings',
  moduleId: 'nordic',
  register(env) {
    env.registerInit({
      deps: { greetings: greetingsExtensionPoint },
      async init({ greetings }) {
        greetings.addLanguage({ language: 'da', template: 'Hej, {name}!' });
        greetings.addLanguage({ language: 'fi', template: 'Hei, {name}!' });
        greetings.addLanguage({ language: 'is', template: 'Halló, {name}!' });
        greetings.addLanguage({ language: 'nb', template: 'Hei, {name}!' });
        greetings.addLanguage({ language: 'sv', template: 'Hej, {name}!' });
      },
    });
  },
});
