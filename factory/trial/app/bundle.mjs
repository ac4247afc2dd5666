// Bundles the app into dist/.
import { rspack } from '@rspack/core';

// What a plugin shares with its portal comes from the portal, once.
const SHARED = [
  '@material-ui/core/styles',
  '@material-ui/styles',
  'react',
  'react-dom',
  'react-router',
  'react-router-dom',
];

const config = {
  mode: 'production',
  devtool: false,
  target: 'web',
  context: import.meta.dirname,
  entry: './src/index.js',
  output: { path: `${import.meta.dirname}/dist`, clean: true, publicPath: '/' },
  resolve: { extensions: ['.jsx', '.mjs', '.js', '.json'] },
  experiments: { css: true },
  optimization: { minimize: false },
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
    new rspack.container.ModuleFederationPlugin({
      name: 'trial_app',
      shared: Object.fromEntries(
        SHARED.map(name => [name, { singleton: true, requiredVersion: '*', eager: false }]),
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
