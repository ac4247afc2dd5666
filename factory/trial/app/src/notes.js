// What the page notes of itself, for who opened it without looking: JSON in an element of its own.

const notes = { modules: [], extensions: [], errors: [] };
// The app's own extensions are some hundred.
const MOST = 500;

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

function describe(value) {
  return value instanceof Error ? `${value.name}: ${value.message}` : String(value);
}

const printError = console.error;
console.error = (...words) => {
  note('errors', { uncaught: false, message: words.map(describe).join(' ').slice(0, 500) });
  printError(...words);
};
window.addEventListener('error', event => {
  note('errors', { uncaught: true, message: describe(event.error ?? event.message).slice(0, 500) });
});
window.addEventListener('unhandledrejection', event => {
  note('errors', { uncaught: true, message: describe(event.reason).slice(0, 500) });
});
write();
