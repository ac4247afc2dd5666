import { devToolsInfoReadPermission } from '@backstage/plugin-devtools-common';

/** What the echo plugin says: longer than what ws masks without bufferutil. */
export const phrase = `an echo of the name of a permission: ${devToolsInfoReadPermission.name}`;
