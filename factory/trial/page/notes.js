// What the page notes of itself, for who opened it without looking: JSON in an element of its own.

const notes = { modules: [], extensions: [], problems: [], left: [], mounts: [], errors: [] };
// The app's own extensions are some hundred.
const MOST = 500;
const LONGEST = 500;

function write() {
  const id = 'plugin-factory-trial';
  let element = document.getElementById(id);
  if (!element) {
    element = document.createElement('script');
    element.id = id;
    element.type = 'application/json';
    document.head.append(element);
  }
  element.textContent = JSON.stringify(notes).replaceAll('<', '\\u003c');
}

export function note(kind, value) {
  if (notes[kind].length < MOST) {
    notes[kind].push(value);
    write();
  }
}

/** Notes the text of each element that stands for something mounted, as it is now. */
export function noteMounted() {
  const elements = [...document.querySelectorAll('[data-trial-mount]')].slice(0, MOST);
  notes.mounts = elements.map(element => ({
    id: element.dataset.trialMount,
    text: element.innerText.replace(/\s+/g, ' ').trim().slice(0, LONGEST),
  }));
  write();
}

export function describe(value) {
  return value instanceof Error ? `${value.name}: ${value.message}` : String(value);
}

const printError = console.error;
console.error = (...words) => {
  const message = words.map(describe).join(' ').slice(0, LONGEST);
  note('errors', { uncaught: false, message });
  printError(...words);
};
window.addEventListener('error', event => {
  const message = describe(event.error ?? event.message).slice(0, LONGEST);
  note('errors', { uncaught: true, message });
});
window.addEventListener('unhandledrejection', event => {
  note('errors', { uncaught: true, message: describe(event.reason).slice(0, LONGEST) });
});
write();
