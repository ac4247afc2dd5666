'use strict';

// Says whether a module has a default export, by the parser that the bundler brings along.
//
//   node default_exports.cjs BUNDLER FILE     prints true or false

const fs = require('node:fs');
const { createRequire } = require('node:module');

const [bundler, file] = process.argv.slice(2);
const swc = createRequire(bundler)('@swc/core');

const typed = /\.[cm]?tsx?$/.test(file);
const parsed = swc.parseSync(fs.readFileSync(file, 'utf8'), {
  syntax: typed ? 'typescript' : 'ecmascript',
  [typed ? 'tsx' : 'jsx']: !/\.[cm]?ts$/.test(file),
  decorators: true,
});

const isDefault = specifier => (specifier.exported ?? specifier.orig)?.value === 'default';

const found = parsed.body.some(
  item =>
    item.type === 'ExportDefaultDeclaration' ||
    item.type === 'ExportDefaultExpression' ||
    (item.type === 'ExportNamedDeclaration' && !item.typeOnly && item.specifiers.some(isDefault)),
);
process.stdout.write(`${found}\n`);
