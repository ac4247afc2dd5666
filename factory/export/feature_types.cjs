'use strict';

// Loaded into rhdh-cli when it exports a frontend plugin (node --require). Backstage finds out by
// TypeScript what an entry point exports by default: a feature of the new frontend system is listed in
// backstage.features, and its entry point is exposed by module federation. Where the type cannot be
// found out, it says nothing and leaves the entry point out. This notes such entry points, a JSON
// object a line, in a file beside the script: factory/export/feature_types.py warns of them.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const NOTES = path.join(__dirname, 'untyped-features.jsonl');
const DETECTION = /(?:^|[\\/])typeDistProject(?:\.cjs)?(?:\.js)?$/;
const FIND = 'getEntryPointDefaultFeatureType';
const MOST = 300;

const watched = new WeakSet();
const noted = new Set();
const load = Module._load;
Module._load = function loadWatched(request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (DETECTION.test(request) && typeof loaded?.[FIND] === 'function' && !watched.has(loaded)) {
    watched.add(loaded);
    watch(loaded);
  }
  return loaded;
};

function watch(detection) {
  const find = detection[FIND];
  detection[FIND] = (role, folder, project, entry) => {
    const type = find(role, folder, project, entry);
    try {
      if (type === null && !noted.has(entry)) {
        const why = reason(project.getSourceFile(path.resolve(folder, entry)), project);
        if (why !== undefined) {
          noted.add(entry);
          fs.appendFileSync(NOTES, `${JSON.stringify({ entry, why: why.slice(0, MOST) })}\n`);
        }
      }
    } catch {
      // Whatever is wrong with the source, or with an unknown TypeScript, is the export's to say.
    }
    return type;
  };
}

/** Why the type of what a file exports by default is not known; undefined if it is, or there is none. */
function reason(file, project) {
  const exported = file?.getDefaultExportSymbol();
  if (exported === undefined) {
    return undefined;
  }
  const symbol = exported.getAliasedSymbol() ?? exported;
  const at = symbol.getValueDeclaration() ?? symbol.getDeclarations()[0];
  const expression = at?.getExpression?.();
  const type = expression?.getType() ?? at?.getType();
  if (type?.getProperty('$$type') !== undefined) {
    return 'its $$type is none that the Backstage of rhdh-cli knows';
  }
  if (at !== undefined && type?.isAny() === false) {
    return undefined;
  }
  const program = project.getProgram();
  const problem = [at?.getSourceFile(), file]
    .flatMap(each => (each === undefined ? [] : program.getSemanticDiagnostics(each)))
    .map(each => each.getMessageText())
    .map(text => (typeof text === 'string' ? text : text.getMessageText()))[0];
  return problem ?? 'its type is any';
}
