import { LighthouseRestApi } from '@backstage/plugin-lighthouse-common';

/** What the echo plugin says: longer than what ws masks without bufferutil. */
export const phrase = `an echo from the far side of a WebSocket, by way of ${LighthouseRestApi.name}`;
