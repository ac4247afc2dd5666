// Serves pages, has them opened by the module that is named, and prints what came of each as JSON.
//
//   node pages_opened.mjs MODULE RELOAD SCREENSHOT PROGRAM [OPTION …]

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [module, reload, screenshot, ...words] = process.argv.slice(2);
const { Browser } = await import(module);

const NOTES = '<script id="plugin-factory-trial" type="application/json">{"mounts":[]}</script>';
const SCRIPTED = {
  '/late': "setTimeout(() => fetch('/slow').then(r => r.text()).then(show), 300)",
  '/endless': "fetch('/stream'); new EventSource('/stream'); show('streams')",
  // An app: its pages are its own affair, but for one that ends the browser.
  '/naming': `
    addEventListener('popstate', () => {
      const { pathname } = location;
      show(pathname === '/doubtful' ? 'doubtful' : 'on to ' + pathname);
      if (pathname === '/fatal') { fetch(pathname); }
    });
    const notes = document.getElementById('plugin-factory-trial');
    const name = pages => { notes.textContent = JSON.stringify({ pages }); };
    show('names');
    setTimeout(() => name(['/two', '/doubtful', '/fatal']), 200);
    setTimeout(() => name(['/two', '/doubtful', '/fatal', '/one']), 400);`,
  '/filled': `
    show('nothing yet');
    setTimeout(() => fetch('/told'), 1_500);
    setTimeout(() => show('filled'), 1_600);`,
  '/busy': "show('busy'); setTimeout(() => { for (;;); }, 50)",
  '/drawn': "requestAnimationFrame(() => requestAnimationFrame(() => show('drawn')))",
  '/reloaded': `
    sessionStorage.count = Number(sessionStorage.count ?? 0) + 1;
    show('loaded ' + sessionStorage.count);
    // It is looked at for as long as the patience lasts.
    setInterval(() => fetch('/tick?' + performance.now()), 200);`,
};
let asked = 0;
let tell;
const told = new Promise(done => {
  tell = done;
});

const server = createServer((request, response) => {
  const { url } = request;
  if (url === '/slow') {
    setTimeout(() => response.end('it came late'), 2_500);
  } else if (url === '/stream') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n');
  } else if (url === '/told') {
    tell();
    response.end();
  } else if (url === '/fatal') {
    killBrowsers();
  } else if (url === '/trial/run') {
    // Another Backstage answers from the third time on, after one that is being started.
    asked += 1;
    response.writeHead(asked === 2 ? 503 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ run: asked < 3 ? 'one' : 'two' }));
  } else if (url === '/reload.js') {
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(reload));
  } else {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    const script = SCRIPTED[url] ?? (url === '/blank' ? '' : `show(${JSON.stringify(url)})`);
    const watches = url === '/reloaded' ? '<script type="module" src="/reload.js"></script>' : '';
    response.end(`<!doctype html>${NOTES}<body><p></p>${watches}<script>
      const show = text => { document.querySelector('p').textContent = text; };
      ${script}</script></body>`);
  }
});
await new Promise(done => server.listen(0, '127.0.0.1', done));
const base = `http://127.0.0.1:${server.address().port}`;

/** Kills the children of this process. */
function killBrowsers() {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      if (Number(parent) === process.pid) {
        process.kill(pid, 'SIGKILL');
      }
    } catch {
      // It has just ended.
    }
  }
}

async function open(words, paths, patience, find = () => [], ready = null) {
  const browser = new Browser(words, patience);
  const describe = path => ({
    address: path.startsWith('/') ? base + path : path,
    screenshot: path === '/one' ? screenshot : '',
  });
  try {
    const findMore = notes => find(notes).map(describe);
    const isDoubtful = page => page.text === 'doubtful';
    return await browser.open(paths.map(describe), { findMore, isDoubtful, ready });
  } finally {
    await browser.close();
  }
}

const shown = await open(words, ['/one', '/two', '/late', '/endless', '/drawn', '/blank']);
const beside = await open(words, ['/busy', '/one', '/two'], 2_500);
const crashed = await open(words, ['/one', '/fatal', '/two', 'http://127.0.0.1:9/']);
const seen = new Set();
const named = await open(words, ['/naming'], undefined, notes => {
  const more = (JSON.parse(notes || '{}').pages ?? []).filter(path => !seen.has(path));
  more.forEach(path => seen.add(path));
  return more;
});
const filled = await open(words, ['/filled'], undefined, undefined, told);
const fatal = 'echo "[1:2:1129/1.2:FATAL:browser.cc:3] No room." >&2; kill -TRAP $$';
const failed = await open(['/bin/sh', '-c', fatal], ['/one']);
const missing = await open([`${words[0]}-that-is-gone`], ['/one']);
// As a person's browser: it does not say that a program drives it.
const people = [...words, '--disable-blink-features=AutomationControlled'];
const [driven, reloaded] = [
  await open(words, ['/reloaded'], 10_000),
  await open(people, ['/reloaded'], 10_000),
];
console.log(
  JSON.stringify({ shown, beside, crashed, named, filled, failed, missing, driven, reloaded }),
);
process.exit(0);
