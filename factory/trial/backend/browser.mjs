// A Chromium without a window that opens pages side by side, and says what came to be on each. It
// is spoken to by the DevTools protocol, over a pipe.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PAGE_MILLISECONDS = 60_000;
// A page is taken for done when it has not changed for so long and waits for nothing, longer while
// it waits for something, and longest while there is nothing on it.
const SETTLED_MILLISECONDS = 400;
// One that is slow to answer is not quiet for it.
const SETTLED_LOOKS = 5;
const WAITING_MILLISECONDS = 5_000;
const BLANK_MILLISECONDS = 20_000;
const LOOK_MILLISECONDS = 60;
const CLOSE_MILLISECONDS = 5_000;
const LAST_WORDS_MILLISECONDS = 50;
const MOST_WORDS = 20_000;
// Chromium makes a socket in its temporary folder, whose path may be no longer.
const SOCKET = 'org.chromium.Chromium.xxxxxx/SingletonSocket';
const SOCKET_BYTES = 107;
const SHORT_FOLDER = '/tmp';
const MOST_AT_ONCE = 4;
// Each page has one of its own: pages behind another one do not draw.
const WINDOW = { url: 'about:blank', newWindow: true };
// What stays open for as long as its page does.
const ENDLESS = ['EventSource', 'WebSocket', 'Ping'];

/** What a page says of itself: its text, its notes, and whether more has come since. */
const LOOK = `JSON.stringify([
  document.body?.innerText ?? '', document.getElementById('plugin-factory-trial')?.textContent ?? '',
  performance.getEntriesByType('resource').length])`;

/** Goes on to an address of the same app, as one does by a link in it. */
const follow = address => `{
  history.pushState(null, '', ${JSON.stringify(address)});
  dispatchEvent(new PopStateEvent('popstate', { state: null }));
}`;

/** A browser that is started when it is first needed, and again when it has ended by itself. */
export class Browser {
  #words;
  #patience;
  #running = null;
  #closing = [];
  #isClosed = false;

  /**
   * @param words the program and its options
   * @param patience for how many milliseconds a page may go on changing, and answer nothing
   */
  constructor(words, patience = PAGE_MILLISECONDS) {
    this.#words = words;
    this.#patience = patience;
  }

  /** Starts it, for those who know that they will need it. */
  start() {
    if (this.#isClosed) {
      throw new Error('the browser has been closed');
    }
    if (this.#running?.isOver()) {
      this.#closing.push(this.#running.close());
      this.#running = null;
    }
    this.#running ??= startProcess(this.#words);
    return this.#running;
  }

  /**
   * Opens pages side by side, each in a window of its own, and those that their notes make known.
   *
   * A window goes on to a page that has become known, as one does by a link in the same app, once
   * there is something on the page that it has. What is doubtful of such a page is asked of it alone.
   *
   * @param pages an address each, and the file for its picture, "" for none
   * @param findMore is given a page's notes whenever they change, and returns pages to go on to
   * @param ready a promise: what pages show is there, and windows may go on
   * @param isDoubtful says it of what came of a page
   * @returns of each page its text, its notes, those of before that are of other pages, and its
   *   problem, "" for none
   */
  async open(pages, { findMore = () => [], ready = null, isDoubtful = () => false } = {}) {
    const all = [...pages];
    const found = [];
    let isReady = false;
    const opened = Promise.resolve(ready).then(() => {
      isReady = true;
    });
    opened.catch(() => {}); // it is told where it is waited for
    let first = 0;
    let next = pages.length;
    const listener = { hear: notes => all.push(...findMore(notes)), isReady: () => isReady };
    const mayGoOn = () => isReady && next < all.length;
    const openFrom = async index => {
      let window = null;
      try {
        window = await openWindow(this.start(), listener, this.#patience);
        found[index] = await window.load(all[index], mayGoOn);
        let before = '';
        while (next < all.length) {
          index = next++;
          await opened;
          found[index] = { ...(await window.goOn(all[index])), before };
          before = found[index].notes;
        }
      } catch (error) {
        found[index] = { text: '', notes: '', problem: `${error.name}: ${error.message}` };
      } finally {
        window?.close();
      }
    };
    const openNext = async () => {
      while (first < pages.length) {
        await openFrom(first++);
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, openNext));
    // A page may have ended the browser, or kept it busy, for the others too.
    for (let index = 0; index < all.length; index += 1) {
      const { problem } = found[index] ?? { problem: 'its window has ended' };
      if (problem && all.length > 1) {
        await this.#end();
      } else if (index < pages.length || !isDoubtful(found[index])) {
        continue;
      }
      next = all.length;
      await openFrom(index);
    }
    return found;
  }

  /** Ends it for good, with its helper processes. */
  async close() {
    this.#isClosed = true;
    await this.#end();
  }

  /** Ends what runs, which may be started again. */
  async #end() {
    const running = this.#running;
    this.#running = null;
    await Promise.all([running?.close(), ...this.#closing]);
  }
}

/** Returns what comes of work, or throws if nothing has come of it in time. */
async function within(milliseconds, work) {
  work.catch(() => {}); // it may fail later
  const late = new AbortController();
  const limit = sleep(milliseconds, null, { signal: late.signal }).then(() => {
    throw new Error(`the page did not answer for ${milliseconds / 1000} seconds`);
  });
  limit.catch(() => {});
  try {
    return await Promise.race([work, limit]);
  } finally {
    late.abort();
  }
}

/** Returns a new folder for all files of a browser, with room for its socket's name. */
function makeProfile() {
  const isLong = Buffer.byteLength(join(tmpdir(), 'browser-xxxxxx', SOCKET)) > SOCKET_BYTES;
  return mkdtempSync(join(isLong && existsSync(SHORT_FOLDER) ? SHORT_FOLDER : tmpdir(), 'browser-'));
}

/** Returns what a browser says of its end, with a colon before it, or "". */
function findReason(printed) {
  const [reason] = printed.split('\n').filter(line => line.includes(':FATAL:'));
  return reason ? `: ${reason.replace(/^\[[^\]]*\] ?/, '')}` : '';
}

function startProcess([program, ...words]) {
  const profile = makeProfile();
  const child = spawn(program, [...words, '--remote-debugging-pipe', `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: profile },
  });
  const [, , prints, commands, messages] = child.stdio;
  // Its helper processes have it too, so that it ends with the last of them.
  let printed = '';
  prints.setEncoding('utf8').on('data', chunk => {
    printed = (printed + chunk).slice(-MOST_WORDS);
  });
  const waiting = new Map();
  const listeners = new Map();
  let isOver = false;
  const ended = new Promise(done => child.once('close', done));
  const failed = new Promise((_, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => {
      isOver = true;
      const how = signal ? `signal ${signal}` : `exit code ${code}`;
      setTimeout(() => {
        fail(new Error(`the browser ended with ${how}${findReason(printed)}`));
      }, LAST_WORDS_MILLISECONDS);
    });
  });
  failed.catch(() => {
    isOver = true;
  });
  commands.on('error', () => {});
  let unread = '';
  messages.setEncoding('utf8').on('data', chunk => {
    const parts = (unread + chunk).split('\0');
    unread = parts.pop();
    for (const { id, result, error, sessionId, method, params } of parts.map(part => JSON.parse(part))) {
      if (method) {
        listeners.get(sessionId)?.(method, params);
      }
      waiting.get(id)?.(result ?? Promise.reject(new Error(error?.message)));
      waiting.delete(id);
    }
  });
  let count = 0;
  const ask = (method, params = {}, sessionId) => {
    const id = ++count;
    const answer = new Promise(done => waiting.set(id, done));
    commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return Promise.race([answer, failed]);
  };
  // One window is there before it is needed.
  let spare = ask('Target.createTarget', WINDOW);
  spare.catch(() => {});
  const takeWindow = () => {
    const taken = spare ?? ask('Target.createTarget', WINDOW);
    spare = null;
    return taken;
  };
  const close = async () => {
    child.kill('SIGKILL'); // it has nothing to keep
    // Where that is a script which waits for the browser, the browser ends when it hears no more.
    commands.destroy();
    messages.destroy();
    await Promise.race([ended, sleep(CLOSE_MILLISECONDS)]);
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {
      // A helper process may still write; the folder goes with the trial.
    }
  };
  return { ask, listeners, takeWindow, isOver: () => isOver, close };
}

/** Returns a window, which loads a page, and goes on to another one in the app that it has. */
async function openWindow(browser, listener, patience) {
  const { targetId } = await browser.takeWindow();
  const { sessionId } = await browser.ask('Target.attachToTarget', { targetId, flatten: true });
  const ask = (method, params) => browser.ask(method, params, sessionId);
  const evaluate = async expression => (await ask('Runtime.evaluate', { expression })).result.value;
  const requests = new Set();
  browser.listeners.set(sessionId, (method, { requestId, type }) => {
    if (method === 'Network.requestWillBeSent' && !ENDLESS.includes(type)) {
      requests.add(requestId);
    } else if (method === 'Network.loadingFinished' || method === 'Network.loadingFailed') {
      requests.delete(requestId);
    }
  });
  await ask('Network.enable');
  const watch = async (screenshot, mayGoOn = () => false) => {
    const look = () => evaluate(LOOK);
    const page = await watchPage({ ...listener, look, mayGoOn, requests }, patience);
    if (screenshot) {
      const { data } = await ask('Page.captureScreenshot');
      writeFileSync(screenshot, Buffer.from(data, 'base64'));
    }
    return page;
  };
  const load = async ({ address, screenshot }, mayGoOn) => {
    const { errorText } = await ask('Page.navigate', { url: address });
    if (errorText) {
      throw new Error(errorText);
    }
    return watch(screenshot, mayGoOn);
  };
  const goOn = async ({ address, screenshot }) => {
    await evaluate(follow(address));
    return watch(screenshot);
  };
  return {
    load: (page, mayGoOn) => within(2 * patience, load(page, mayGoOn)),
    goOn: page => within(2 * patience, goOn(page)),
    close: () => browser.ask('Target.closeTarget', { targetId }).catch(() => {}),
  };
}

/**
 * Returns what a page says once it has said the same for a while, or once there is something on it
 * and its window may go on; its own clock has no part.
 */
async function watchPage({ look, hear, isReady, mayGoOn, requests }, patience) {
  const until = Date.now() + patience;
  let said = '';
  let heard = '';
  let since = Date.now();
  let looks = 0;
  while (Date.now() < until) {
    const now = await look();
    looks += 1;
    if (now !== said || !isReady()) {
      said = now;
      since = Date.now();
      looks = 0;
    }
    const [text, notes] = JSON.parse(said);
    if (notes !== heard) {
      heard = notes;
      hear(notes);
    }
    const isShown = text.trim() && notes;
    if (isShown && mayGoOn()) {
      break;
    }
    const unlessWaiting = requests.size ? WAITING_MILLISECONDS : SETTLED_MILLISECONDS;
    const quiet = isShown ? unlessWaiting : BLANK_MILLISECONDS;
    if (looks >= SETTLED_LOOKS && Date.now() - since >= quiet) {
      break;
    }
    await sleep(LOOK_MILLISECONDS);
  }
  const [text, notes] = JSON.parse(said);
  return { text: text.replace(/\s+/g, ' ').trim(), notes, problem: '' };
}
