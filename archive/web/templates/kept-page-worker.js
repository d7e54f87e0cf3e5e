// Keeps one page and the files it needs, so that it opens while the server is out of reach.
// Nothing else is kept, and nothing else is answered here.

const VERSION = {{ version|tojson }};
const PAGE = {{ page|tojson }};
const SHELL = {{ shell|tojson }};
const ASSETS = {{ assets|tojson }};
const NAME = `kept:${PAGE}:`;
const CACHE = NAME + VERSION;
const PATIENCE_MS = 4000;
const OUT_OF_REACH = [502, 503, 504]; // what a proxy says for a server that does not answer

async function keepAll() {
  const cache = await caches.open(CACHE);
  for (const path of [SHELL, ...ASSETS]) {
    const answer = await fetch(path, { cache: "reload", credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await cache.put(path, answer);
  }
}

async function dropOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((one) => one.startsWith(NAME) && one !== CACHE).map((one) => caches.delete(one)));
  await self.clients.claim();
}

function inTime(answer) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("late")), PATIENCE_MS));
  return Promise.race([answer, late]);
}

/** What the server says; what was kept, while it says nothing. */
async function serverOrKept(request, path) {
  const kept = async () => (await caches.open(CACHE)).match(path);
  try {
    const answer = await inTime(fetch(request));
    return OUT_OF_REACH.includes(answer.status) ? ((await kept()) ?? answer) : answer;
  } catch {
    return (await kept()) ?? Response.error();
  }
}

self.addEventListener("install", (event) => event.waitUntil(keepAll().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(dropOthers()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === PAGE) event.respondWith(serverOrKept(request, SHELL));
  } else if (ASSETS.includes(pathname)) {
    event.respondWith(serverOrKept(request, pathname));
  }
});
