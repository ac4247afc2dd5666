'use strict';

// Yarn as rhdh-cli finds it on its PATH. It is the workspace's own, and does what it is asked, with
// one exception: when the private dependencies of the exported plugin are installed, they are those
// of the workspace's yarn.lock. For the time of the installation the exported package.json has the
// workspace's resolutions, and asks for nothing in a form that only the workspace understands.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const [planFile, yarn, ...words] = process.argv.slice(2);
const plan = JSON.parse(fs.readFileSync(planFile, 'utf8'));
const EMBEDDED = /^file:(?:\.\/)?embedded\//;

function isPrivateInstall() {
  // Yarn without words installs, too.
  const installs = words.length === 0 || words.includes('install');
  return installs && fs.existsSync(plan.folder) && fs.realpathSync('.') === fs.realpathSync(plan.folder);
}

// The exported package.json and those of what is embedded, which yarn reads from the disk.
function manifests() {
  const found = ['package.json'];
  const walk = folder => {
    for (const entry of fs.existsSync(folder) ? fs.readdirSync(folder, { withFileTypes: true }) : []) {
      const inside = path.join(folder, entry.name);
      if (!entry.isDirectory()) continue;
      if (fs.existsSync(path.join(inside, 'package.json'))) found.push(path.join(inside, 'package.json'));
      else walk(inside);
    }
  };
  walk('embedded');
  return found.map(file => ({ file, text: fs.readFileSync(file, 'utf8') }));
}

function packageKey(manifest, isMain) {
  const said = String(manifest.name);
  const name = isMain ? said.replace(/-dynamic$/, '') : said;
  return `${name}@${String(manifest.version).replace(/\+embedded$/, '')}`;
}

// rhdh-cli's own resolutions lead to embedded packages and come first, as yarn takes the first that
// fits; all others are the workspace's. A pattern for one version of a package means it embedded too.
function resolutions(main, embedded) {
  const found = {};
  for (const [pattern, value] of Object.entries(main.resolutions ?? {})) {
    if (EMBEDDED.test(value)) found[pattern] = value;
  }
  for (const { pattern, value, whenEmbedded } of plan.resolutions) {
    const wanted = whenEmbedded && embedded.has(whenEmbedded.package) ? whenEmbedded.pattern : pattern;
    found[wanted] ??= value;
  }
  return found;
}

function prepare(originals) {
  const parsed = originals.map(({ file, text }) => ({ file, manifest: JSON.parse(text) }));
  const embedded = new Set(parsed.slice(1).map(({ manifest }) => packageKey(manifest, false)));
  for (const { file, manifest } of parsed) {
    const isMain = file === 'package.json';
    const ranges = plan.ranges[packageKey(manifest, isMain)] ?? {};
    for (const field of ['dependencies', 'optionalDependencies']) {
      for (const name of Object.keys(manifest[field] ?? {})) {
        if (Object.hasOwn(ranges, name)) manifest[field][name] = ranges[name];
      }
    }
    if (isMain) manifest.resolutions = resolutions(manifest, embedded);
    fs.writeFileSync(file, JSON.stringify(manifest, undefined, 2));
  }
  fs.copyFileSync(plan.lockfile, 'yarn.lock');
  for (const { from, to } of plan.files) {
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(from, to);
  }
}

function run() {
  const ended = spawnSync(yarn, words, { stdio: 'inherit' });
  if (ended.error) throw ended.error;
  return ended.status ?? 1;
}

function installLocked() {
  const originals = manifests();
  try {
    prepare(originals);
    return run();
  } finally {
    for (const { file, text } of originals) fs.writeFileSync(file, text);
    for (const { to } of plan.files) fs.rmSync(to, { force: true });
  }
}

process.exitCode = isPrivateInstall() ? installLocked() : run();
