// What `npm ci --ignore-scripts` makes of a package-lock.json, in a fraction of its processor time:
//
//     node pinned_install.mjs '{"authorities": null, "peers": true, "unfit": []}'
//
// "authorities" is a file of certificates to trust, "peers" says whether peer dependencies count,
// and "unfit" has the paths of packages that are not for this version of Node. The folder has the
// lockfile, with all addresses, and no node_modules yet.
//
// npm puts every archive into its cache and takes it out again, and unpacks each of 60,000 files by
// itself. Here an archive is fetched, compared with the integrity that the lockfile pins, and
// written, in one go. What this does not do (links, bundled dependencies, packages without
// integrity) ends it with an error.
//
// As npm does: optional packages of other platforms are left out, with what only they need; links
// in archives are left out; who may run a file stays, who may read or write it does not; a
// .gitignore becomes an .npmignore.

import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import https from "node:https";
import { basename, dirname, normalize, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const MODULES = "node_modules/";
const CONNECTIONS = 15; // as many as npm's
const ATTEMPTS = 4;
const SILENCE = 60_000; // milliseconds
const LARGEST = 512 << 20; // bytes of one archive, unpacked; TypeScript's has 60 million
const BLOCK = 512;
const FILES = new Set(["0", "\0", "7"]);
const NOT_LATER = new Set([400, 401, 403, 404, 410]);

const unzip = promisify(gunzip);
const { authorities, peers, unfit } = JSON.parse(process.argv[2]);
const lockfile = JSON.parse(readFileSync("package-lock.json", "utf8"));
const packages = withoutExtraneous(lockfile.packages);
const settings = { keepAlive: true, maxSockets: CONNECTIONS };
const agents = {
  "http:": new http.Agent(settings),
  "https:": new https.Agent({ ...settings, ca: authorities && readFileSync(authorities) }),
};

try {
  await main();
} catch (error) {
  console.error(`Error: ${error.message}`);
  process.exit(1); // others are still on their way
}

async function main() {
  const wanted = chosenPaths();
  const made = new Set();
  let next = 0;
  const work = async () => {
    while (next < wanted.length) {
      const path = wanted[next++];
      writePackage(path, await archiveOf(path), made);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  for (const agent of Object.values(agents)) agent.destroy();
  linkPrograms(wanted);
  const installed = Object.fromEntries(wanted.map((path) => [path, packages[path]]));
  const noted = JSON.stringify({ ...lockfile, packages: installed }, null, 2);
  writeFileSync(`${MODULES}.package-lock.json`, `${noted}\n`);
}

// Which packages there are: all but the optional ones that are not for this platform.

function withoutExtraneous(all) {
  return Object.fromEntries(Object.entries(all).filter(([, { extraneous }]) => !extraneous));
}

function chosenPaths() {
  const paths = Object.keys(packages).filter((path) => path !== "");
  const dropped = new Set();
  for (const path of paths) {
    const { link, inBundle, integrity, optional, resolved } = packages[path];
    if (link || inBundle || !integrity || !resolved) {
      throw new Error(`${path} is not an archive with an address and integrity`);
    }
    if (isForThisPlatform(packages[path])) {
      if (optional && unfit.includes(path)) dropped.add(path);
      continue;
    }
    if (!optional) throw new Error(`${path} is not for ${process.platform} ${process.arch}`);
    dropped.add(path);
  }
  dropWhatOnlyTheyNeed(paths, dropped);
  return paths.filter((path) => !dropped.has(path));
}

function isForThisPlatform({ os, cpu, libc }) {
  return (
    isListed(process.platform, os) &&
    isListed(process.arch, cpu) &&
    (!libc || (process.platform === "linux" && isListed(libcOfThisProcess(), libc)))
  );
}

function isListed(value, list) {
  if (!list || list.includes("any")) return true;
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.every((each) => each.startsWith("!"));
}

function libcOfThisProcess() {
  return process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
}

// An optional package takes along what has to have it, and what nothing else needs.
function dropWhatOnlyTheyNeed(paths, dropped) {
  const asking = new Map(paths.map((path) => [path, []]));
  for (const from of ["", ...paths]) {
    for (const { to, optional } of dependenciesOf(from)) asking.get(to).push({ from, optional });
  }
  for (const path of dropped) {
    for (const { from, optional } of asking.get(path)) if (!optional && from) dropped.add(from);
  }
  const below = new Set(dropped);
  for (const path of below) for (const { to } of dependenciesOf(path)) below.add(to);
  for (let before = -1; before !== below.size; ) {
    before = below.size;
    for (const path of below) {
      const isNeeded = asking.get(path).some(({ from }) => !below.has(from));
      if (isNeeded && !dropped.has(path)) below.delete(path);
    }
  }
  for (const path of below) dropped.add(path);
}

function dependenciesOf(path) {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } =
    packages[path];
  const asked = [
    ...Object.keys(dependencies ?? {}).map((name) => ({ name, optional: false })),
    ...Object.keys(optionalDependencies ?? {}).map((name) => ({ name, optional: true })),
    ...Object.keys((peers && peerDependencies) ?? {}).map((name) => ({
      name,
      optional: Boolean(peerDependenciesMeta?.[name]?.optional),
    })),
  ];
  return asked.flatMap(({ name, optional }) => {
    const to = resolve(path, name);
    return to === undefined ? [] : [{ to, optional }];
  });
}

// Where Node finds a package: in the nearest node_modules above.
function resolve(from, name) {
  for (let folder = from; ; ) {
    const path = `${folder && `${folder}/`}${MODULES}${name}`;
    if (path in packages) return path;
    if (!folder) return undefined;
    folder = folder.slice(0, Math.max(folder.lastIndexOf(MODULES) - 1, 0));
  }
}

// One package: fetched, compared, and written.

async function archiveOf(path) {
  const { integrity, resolved } = packages[path];
  const content = await fetched(resolved);
  const found = `sha512-${createHash("sha512").update(content).digest("base64")}`;
  if (found !== integrity) {
    throw new Error(`${resolved} is not what is pinned: ${found}, not ${integrity}`);
  }
  return unzip(content, { maxOutputLength: LARGEST });
}

async function fetched(url) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(url);
    } catch (error) {
      if (attempt === ATTEMPTS || NOT_LATER.has(error.status)) throw error;
      await pause(500 * 2 ** attempt);
    }
  }
}

function once(url) {
  return new Promise((resolve, reject) => {
    const fail = (why, status) => reject(Object.assign(new Error(`${url}: ${why}`), { status }));
    const { protocol } = new URL(url);
    const { get } = protocol === "http:" ? http : https;
    const request = get(url, { agent: agents[protocol], timeout: SILENCE }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("aborted", () => fail("the answer breaks off"));
      answer.on("error", (error) => fail(error.message));
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(parts));
        else fail(`HTTP ${answer.statusCode}`, answer.statusCode);
      });
    });
    request.on("timeout", () => request.destroy(new Error("the registry is silent")));
    request.on("error", (error) => fail(error.message));
  });
}

function writePackage(path, archive, made) {
  const seenIgnores = new Set();
  for (const { inside, mode, content } of filesOf(archive)) {
    if (basename(inside) === ".npmignore") seenIgnores.add(inside);
    const name = inside.replace(/(^|\/)\.gitignore$/, "$1.npmignore");
    if (name !== inside && seenIgnores.has(name)) continue;
    const file = `${path}/${name}`;
    const folder = dirname(file);
    if (!made.has(folder)) {
      mkdirSync(folder, { recursive: true });
      made.add(folder);
    }
    writeFileSync(file, content, { mode: ((mode & 0o777) | 0o666) & ~0o022 });
  }
}

// The files of a tar archive: ustar, with the long names of pax and GNU.
function* filesOf(archive) {
  let longName;
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const text = (from, size) => archive.toString("utf8", at + from, at + from + size).split("\0")[0];
    const size = parseInt(text(124, 12), 8) || 0;
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw new Error("an archive ends early");
    const type = String.fromCharCode(archive[at + 156]);
    const prefix = text(257, 5) === "ustar" ? text(345, 155) : "";
    const name = longName ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100));
    if (type === "x") longName = pathOfPax(content) ?? longName;
    else if (type === "L") longName = content.toString("utf8").replace(/\0.*$/s, "");
    else if (type !== "g") longName = undefined;
    if (FILES.has(type) && !name.endsWith("/")) {
      const inside = normalize(name.slice(name.indexOf("/") + 1));
      if (!name.includes("/") || /^\/|(^|\/)\.\.(\/|$)|\\/.test(name)) {
        throw new Error(`an archive has a file ${JSON.stringify(name)}`);
      }
      yield { inside, mode: parseInt(text(100, 8), 8) || 0, content };
    }
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
}

function pathOfPax(content) {
  let found;
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(" ", at);
    const length = parseInt(content.toString("latin1", at, space), 10);
    if (!(length > 0)) throw new Error("an archive has a malformed pax header");
    const [key, value] = content.toString("utf8", space + 1, at + length - 1).split(/=(.*)/s);
    if (key === "path") found = value;
    at += length;
  }
  return found;
}

// The programs of packages: beside each, in .bin. Of two that want a name, the first has it, even
// where it has no such file.
function linkPrograms(paths) {
  const taken = new Set();
  for (const path of [...paths].sort((one, other) => one.localeCompare(other, "en"))) {
    const modules = path.slice(0, path.lastIndexOf(MODULES) + MODULES.length);
    for (const [name, file] of Object.entries(packages[path].bin ?? {})) {
      const link = `${modules}.bin/${basename(name)}`;
      const program = `${path}/${file}`;
      if (!taken.has(link) && existsSync(program)) linkProgram(program, link);
      taken.add(link);
    }
  }
}

function linkProgram(program, link) {
  const text = readFileSync(program, "latin1");
  if (/^#![^\n]*\r\n/.test(text)) writeFileSync(program, text.replace("\r\n", "\n"), "latin1");
  chmodSync(program, 0o755);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), program), link);
}
