// Has the browser keep a page, so that it opens again without a network (core/kept_pages.py).
// Browsers do so over https and on the machine itself; elsewhere the page works as long as it is open.

/** Say whether this page would open again now without a network. */
export function isKept() {
  return Boolean(navigator.serviceWorker?.controller);
}

/** Keep the page that element names: `data-worker` is the script, `data-page` the address kept. */
export async function keepPage(element) {
  const { worker, page } = element.dataset;
  try {
    await navigator.serviceWorker?.register(worker, { scope: page, updateViaCache: "none" });
  } catch {
    // out of reach, or not allowed here: as before, until there is a network
  }
}
