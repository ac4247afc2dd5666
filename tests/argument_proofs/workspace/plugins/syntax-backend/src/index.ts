import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import Parser from 'tree-sitter';

const json = require('tree-sitter-json');

export default createBackendPlugin({
  pluginId: 'syntax',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        const parser = new Parser();
        parser.setLanguage(json);
        httpRouter.use((_request, response) => {
          const tree = parser.parse('{"rule": 5}');
          response.json({ syntax: tree.rootNode.toString() });
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
