import { rspack } from '@rspack/core';

const SHARED = [
  '@material-ui/core/styles',
  '@material-ui/styles',
  'react',
  'react-dom',
  'react-router',
  'react-router-dom',
];

/** The page's bundle: what a plugin shares with its host comes from the host, once. */
export default {
  mode: 'development',
  devtool: false,
  target: 'web',
  context: import.meta.dirname,
  entry: './src/index.js',
  output: { path: `${import.meta.dirname}/dist`, clean: true, publicPath: '/page/' },
  resolve: { extensions: ['.jsx', '.mjs', '.js', '.json'] },
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
      name: 'portal_page',
      shared: Object.fromEntries(
        SHARED.map(name => [name, { singleton: true, requiredVersion: '*', eager: false }]),
      ),
    }),
  ],
};
