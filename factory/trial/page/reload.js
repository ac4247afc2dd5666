// Loads the page again when Backstage has been started again at its address, as `dev` does when
// something is saved. A browser that opens pages by itself looks at each once.

const INTERVAL_MILLISECONDS = 1_000;

async function fetchRun() {
  try {
    const response = await fetch('/trial/run', { cache: 'no-store' });
    return response.ok ? (await response.json()).run : '';
  } catch {
    return ''; // it is being started
  }
}

if (!navigator.webdriver) {
  let first = '';
  setInterval(async () => {
    const run = await fetchRun();
    first ||= run;
    if (run && run !== first) {
      location.reload();
    }
  }, INTERVAL_MILLISECONDS);
}
