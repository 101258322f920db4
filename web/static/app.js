// Small helps for every page. Each page can be read without them.
"use strict";

document.querySelectorAll("[data-hide-with-script]").forEach((each) => { each.hidden = true; });
document.querySelectorAll("[data-needs-script]").forEach((each) => { each.hidden = false; });
document.querySelectorAll("[data-submit-on-change]").forEach((each) => {
  each.addEventListener("change", () => each.form.requestSubmit());
});
document.querySelectorAll("form[data-submit-at-once]").forEach((form) => form.requestSubmit());

// A form that was sent is not sent once more by a second tap, until it is answered or the page comes back.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => { delete form.dataset.sent; }, 5000);
});
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
});

// A box that serves others says when to ask again: so often it is asked, with `busy` called meanwhile; then its last answer counts.
async function ask(url, { signal, busy } = {}) {
  const TRIES = 10, LONGEST_S = 15;
  for (let turn = 1; ; turn++) {
    const answer = await fetch(url, { signal }), wait = Number(answer.headers.get("Retry-After"));
    if (answer.status !== 503 || !wait || wait > LONGEST_S || turn >= TRIES) return answer;
    busy?.();
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 1000 * wait);
      signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
    });
  }
}

// A page that a busy box could not make comes by itself.
document.querySelectorAll("[data-again]").forEach((each) => setTimeout(() => location.reload(), 1000 * each.dataset.again));

// Live parts: the server renders them, in the reader's language; here they are only put in place.
document.querySelectorAll("[data-refresh]").forEach((part) => {
  const BUSY_MS = 2000, IDLE_MS = 10000;

  async function refresh() {
    if (!document.hidden) {
      try {
        const answer = await fetch(part.dataset.refresh, { headers: { Accept: "text/html" } });
        if (answer.redirected) { location.reload(); return; }
        if (answer.ok) put(await answer.text());
      } catch { /* the box is out of reach: the next round tries again */ }
    }
    again();
  }

  function put(text) {
    const news = document.createElement("template");
    news.innerHTML = text;
    if (news.innerHTML.trim() === part.innerHTML.trim()) return;
    const held = part.contains(document.activeElement) || part.querySelector("details[open]");
    if (!held || part.querySelector("[data-busy]")) part.replaceChildren(news.content);
  }

  function again() {
    setTimeout(refresh, part.querySelector("[data-busy]") ? BUSY_MS : IDLE_MS);
  }

  again();
});

// On paper everything is open, and maps are as wide as the sheet (stage.js).
const opened = [];
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((each) => { each.open = true; opened.push(each); });
});
addEventListener("afterprint", () => { opened.splice(0).forEach((each) => { each.open = false; }); });

// Over HTTPS the phone keeps the dashboard's own files. Workers of another address are of an older release.
if (window.isSecureContext && "serviceWorker" in navigator) {
  const wanted = document.body.dataset.worker;
  navigator.serviceWorker.getRegistrations().then((all) => all.forEach((each) => {
    const script = (each.active || each.waiting || each.installing)?.scriptURL;
    if (script && new URL(script).pathname !== wanted) each.unregister();
  }));
  if (wanted) navigator.serviceWorker.register(wanted, { updateViaCache: "none" }).catch(() => {});
}
