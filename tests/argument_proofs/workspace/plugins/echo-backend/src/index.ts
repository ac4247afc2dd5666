import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { phrase } from '@argument-proofs/phrases';
import { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** Sends a message through a WebSocket and back. */
async function echo(message: string): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', socket =>
    socket.on('message', data => socket.send(data)),
  );
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  try {
    return await new Promise<string>((resolve, reject) => {
      client.once('open', () => client.send(message));
      client.once('message', data => resolve(data.toString()));
      client.once('error', reject);
    });
  } finally {
    client.terminate();
    server.close();
  }
}

/** Returns what becomes of loading bufferutil: ws tries the same, and goes on without. */
function lacking(): string {
  try {
    require('bufferutil');
    return 'nothing';
  } catch (error) {
    return String(error);
  }
}

export default createBackendPlugin({
  pluginId: 'echo',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        httpRouter.use((_request, response, next) => {
          echo(phrase)
            .then(echoed => response.json({ echoed, lacking: lacking() }))
            .catch(next);
        });
        httpRouter.addAuthPolicy({ path: '/proof', allow: 'unauthenticated' });
      },
    });
  },
});
