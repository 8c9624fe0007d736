// The service worker of the tablet's page: everything that the page is made of is kept here, under the print of this
// version, so that the page starts without network. What people enter is never kept here, and no answer of the server.

const KEPT = "sesshu-tablet-{{ print }}";
const PAGE = "/tablet";
const FILES = [{% for file in files %}
  "{{ file|safe }}",{% endfor %}
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FILES.map((file) => new Request(file, { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("sesshu-tablet-") && name !== KEPT).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("message", (event) => {
  if (event.data === "take-over") void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  // The page is the same for everybody, whatever stands behind its address.
  const name = event.request.mode === "navigate" && address.pathname === PAGE ? PAGE : address.pathname;
  if (!FILES.includes(name)) return;
  const answer = async () => (await (await caches.open(KEPT)).match(name)) ?? fetch(event.request);
  event.respondWith(answer());
});
