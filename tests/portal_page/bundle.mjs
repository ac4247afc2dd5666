// Bundles the page into dist/.
import { rspack } from '@rspack/core';
import config from './rspack.config.mjs';

rspack(config).run((error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString({ preset: 'errors-only' }));
    process.exit(1);
  }
});
