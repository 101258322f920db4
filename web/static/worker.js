// Keeps the dashboard's own files on the phone, and a page for when the box does not answer. Pages and photos it never keeps.
// The server writes SETUP above: { version, files, offline, renew }.
"use strict";

const OURS = "fieldbox-", CACHE = OURS + SETUP.version;

async function keep(addresses) {
  const cache = await caches.open(CACHE);
  await cache.addAll(addresses.map((each) => new Request(each, { cache: "reload", credentials: "same-origin" })));
}

self.addEventListener("install", (event) => {
  event.waitUntil(keep([...SETUP.files, SETUP.offline]).then(() => self.skipWaiting()));
});

// A new version leaves nothing of the one before.
self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

// A file whose address holds its print never changes.
async function kept(request) {
  const found = await caches.match(request, { cacheName: CACHE });
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(CACHE)).put(request, answer.clone());
  return answer;
}

async function page(event, path) {
  try {
    const answer = await fetch(event.request);
    // The reader chose another language or other colours: the kept page follows.
    if (event.request.method === "POST" && SETUP.renew.includes(path)) event.waitUntil(keep([SETUP.offline]).catch(() => {}));
    return answer;
  } catch {
    return await caches.match(SETUP.offline, { cacheName: CACHE }) || Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname, searchParams } = new URL(request.url);
  if (origin !== self.location.origin) return;
  const fixed = pathname.startsWith("/static/") && (searchParams.has("v") || pathname.startsWith("/static/vendor/"));
  if (request.method === "GET" && fixed) event.respondWith(kept(request));
  else if (request.mode === "navigate") event.respondWith(page(event, pathname));
});
