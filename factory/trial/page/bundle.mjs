// Bundles an app into dist/: that of the new frontend system, or that of Scalprum.
import { readFileSync } from 'node:fs';
import { rspack } from '@rspack/core';

// What a plugin shares with its portal comes from the portal, once.
const { trial, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
// The one app's plugins are remotes of module federation, the other's are loaded by Scalprum, which
// wants webpack's own sharing.
const Federation = dependencies['@module-federation/runtime-tools']
  ? rspack.container.ModuleFederationPlugin
  : rspack.container.ModuleFederationPluginV1;

const config = {
  mode: 'production',
  devtool: false,
  target: 'web',
  context: import.meta.dirname,
  entry: './src/index.js',
  output: {
    path: `${import.meta.dirname}/dist`,
    clean: true,
    publicPath: '/',
    filename: '[name].[contenthash].js',
    cssFilename: '[name].[contenthash].css',
    assetModuleFilename: '[name].[contenthash][ext]',
  },
  resolve: {
    extensions: ['.jsx', '.mjs', '.js', '.json'],
    // The catalog's export to a file wants Node's streams; nobody exports here.
    alias: { 'csv-stringify/lib/sync': false },
  },
  experiments: { css: true },
  optimization: {
    minimizer: [
      new rspack.SwcJsMinimizerRspackPlugin({
        extractComments: false,
        minimizerOptions: {
          // A trial tells errors and components by their names.
          compress: { keep_classnames: true, keep_fnames: true },
          mangle: { keep_classnames: true, keep_fnames: true },
          format: { comments: false },
        },
      }),
    ],
  },
  performance: false,
  module: {
    rules: [
      {
        test: /\.jsx$/,
        loader: 'builtin:swc-loader',
        options: { jsc: { parser: { syntax: 'ecmascript', jsx: true } } },
      },
      { test: /\.(svg|png|ttf|woff2?)$/, type: 'asset/resource' },
      { test: /\.m?js$/, resolve: { fullySpecified: false } },
    ],
  },
  plugins: [
    new rspack.HtmlRspackPlugin({ template: './src/index.html' }),
    new Federation({
      name: 'trial_app',
      shared: Object.fromEntries(
        trial.shares.map(name => [name, { singleton: true, requiredVersion: '*', eager: false }]),
      ),
    }),
  ],
};

rspack(config).run((error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString({ preset: 'errors-only' }));
    process.exit(1);
  }
});
