// Sends files to the box in parts. What the box has acknowledged is on its disk; everything else is sent again.
"use strict";

(() => {
  const room = document.getElementById("upload");
  if (!room) return;
  const setup = JSON.parse(room.dataset.setup), words = setup.words;
  const at = (name) => room.querySelector(`[data-${name}]`);
  const KEPT = "fieldbox-upload", AT_ONCE = 2, TRIES = 5, FIRST_MS = 1000, LONGEST_MS = 30000, HIDDEN = /(^|\/)\./;
  const picked = new Map();
  let going = false, paused = false, wake = null, waiting = [];

  // CRC-32 (ISO 3309), by a table: the browser's own digests need HTTPS.
  const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n >>> 0;
  });
  function crc32(bytes) {
    let crc = 0xffffffff;
    for (let n = 0; n < bytes.length; n += 1) crc = TABLE[(crc ^ bytes[n]) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  }

  const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const keyOf = (name, file) => `${name}|${file.size}|${file.lastModified}`;
  const lang = `${document.documentElement.lang}-u-nu-latn`;  // digits as the box writes them
  function size(bytes) {
    const [value, unit] = bytes < 1e9 ? [bytes / 1e6, words.megabytes] : [bytes / 1e9, words.gigabytes];
    return `${value.toLocaleString(lang, { maximumFractionDigits: value < 10 ? 1 : 0 })}\u00a0${unit}`;
  }
  const count = (number) => number.toLocaleString(lang);
  const fill = (text, values) => Object.entries(values).reduce((told, [name, value]) => told.replace(name, value), text);

  class Refused extends Error {}

  // One request. The box out of reach: again until it is back. Answers other than 409 that are no success: Refused.
  async function ask(method, path, { body, headers = {} } = {}) {
    for (let pause = FIRST_MS; ; pause = Math.min(2 * pause, LONGEST_MS)) {
      await unpaused();
      let answer = null;
      try {
        answer = await fetch(`/api/v1/uploads${path}`, { method, body, headers: { "X-CSRFToken": room.dataset.token, ...headers } });
      } catch { /* no network */ }
      if (answer && answer.status < 500) {
        trouble(null);
        const told = await answer.json().catch(() => ({}));
        if (answer.status === 401) throw new Refused(words.login);
        if (answer.ok || answer.status === 409) return { status: answer.status, ...told };
        throw Object.assign(new Refused(told.error || String(answer.status)), { status: answer.status });
      }
      const told = answer ? await answer.json().catch(() => ({})) : {};
      trouble(told.error || words.away);
      await wait(pause);
    }
  }
  const json = (value) => ({ body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

  function trouble(text) {
    at("trouble").hidden = !text;
    at("trouble").textContent = text || "";
  }

  async function unpaused() {
    while (paused) await new Promise((go) => { waiting.push(go); });
  }

  function refuse(name, reason) {
    const line = document.createElement("li"), strong = document.createElement("strong");
    strong.textContent = name;
    line.append(strong, ` ${reason}`);
    at("list").append(line);
    at("refused").hidden = false;
  }

  // ---- choosing

  function pick(name, file) {
    if (!HIDDEN.test(name) && file.size) picked.set(keyOf(name, file), { name, file });
  }
  function show() {
    const total = [...picked.values()].reduce((sum, { file }) => sum + file.size, 0);
    at("chosen").textContent = picked.size ? fill(words.chosen, { COUNT: count(picked.size), SIZE: size(total) }) : "";
    at("send").disabled = !picked.size;
  }
  for (const name of ["files", "folder"]) {
    at(name).addEventListener("change", (event) => {
      for (const file of event.target.files) pick(file.webkitRelativePath || file.name, file);
      event.target.value = "";
      show();
    });
  }
  if (!("webkitdirectory" in document.createElement("input"))) at("folder-label").hidden = true;

  async function walk(entry, before) {
    if (entry.isFile) {
      const file = await new Promise((done, failed) => { entry.file(done, failed); }).catch(() => null);
      if (file) pick(before + file.name, file);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, failed) => { reader.readEntries(done, failed); }).catch(() => []);
      if (!some.length) return;
      for (const each of some) await walk(each, `${before}${entry.name}/`);
    }
  }
  const zone = at("zone");
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    // All entries at once: the list is empty after the first pause.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    for (const entry of entries) await walk(entry, "");
    show();
  });

  // ---- sending

  function kept() {
    try { return JSON.parse(localStorage.getItem(KEPT)) || {}; } catch { return {}; }
  }
  function keep(value) {
    try {
      if (value) localStorage.setItem(KEPT, JSON.stringify(value)); else localStorage.removeItem(KEPT);
    } catch { /* private browsing: it does not go on another day */ }
  }

  // The upload that these files belong to: one that was cut off, or a new one.
  async function opened() {
    const before = kept(), known = new Set(before.files || []);
    if ([...picked.keys()].some((key) => known.has(key))) {
      const { uploads } = await ask("GET", "");
      if (uploads.some((one) => one.id === before.id && one.state === "open")) return before.id;
    }
    const field = at("choose").elements.field.value;
    const { id } = await ask("POST", "", json({ field }));
    keep({ id, files: [...picked.keys()] });
    return id;
  }

  async function offered(id) {
    const every = [...picked.values()], found = [];
    for (let n = 0; n < every.length; n += setup.batch) {
      const some = every.slice(n, n + setup.batch);
      const rows = some.map(({ name, file }) => [name, file.size, file.lastModified]);
      const { files } = await ask("POST", `/${id}/files`, json({ files: rows }));
      files.forEach((told, index) => {
        if (told.refused) refuse(some[index].name, told.refused);
        else found.push({ ...some[index], number: told.number, offset: told.offset, failed: false });
      });
    }
    return found;
  }

  async function sendOne(id, one, tell) {
    let tries = 0;
    while (one.offset < one.file.size) {
      await unpaused();
      let bytes;
      try {
        bytes = new Uint8Array(await one.file.slice(one.offset, one.offset + setup.chunk).arrayBuffer());
      } catch {
        one.failed = true;
        refuse(one.name, words.unreadable);
        return;
      }
      try {
        const told = await ask("PATCH", `/${id}/files/${one.number}`, {
          body: bytes,
          headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": one.offset, "Upload-Crc32": crc32(bytes) },
        });
        tries = told.status === 409 ? tries + 1 : 0;
        one.offset = told.offset;
      } catch (error) {
        if (![400, 422].includes(error.status)) throw error;
        tries += 1;
        await wait(FIRST_MS);
      }
      if (tries >= TRIES) {
        one.failed = true;
        refuse(one.name, words.damaged);
        return;
      }
      tell();
    }
  }

  function teller(files) {
    const total = files.reduce((sum, one) => sum + one.file.size, 0);
    const sent = () => files.reduce((sum, one) => sum + one.offset, 0);
    const first = sent(), began = performance.now();
    return () => {
      const now = sent(), seconds = (performance.now() - began) / 1000, done = files.filter((one) => one.offset === one.file.size).length;
      at("bar").value = total ? now / total : 1;
      let text = fill(words.progress, { DONE: count(done), COUNT: count(files.length), SENT: size(now), SIZE: size(total) });
      if (seconds > 5 && now > first) {
        const left = (total - now) * seconds / (now - first);
        text += `, ${left < 60 ? words.soon : words.left.replace("MINUTES", count(Math.ceil(left / 60)))}`;
      }
      at("told").textContent = text;
    };
  }

  async function send() {
    const id = await opened(), files = await offered(id);
    if (!files.length) throw new Refused(words.nothing);
    const tell = teller(files), left = [...files];
    tell();
    async function line() {
      for (let one = left.shift(); one; one = left.shift()) await sendOne(id, one, tell);
    }
    await Promise.all(Array.from({ length: AT_ONCE }, line));
    if (files.some((one) => one.failed)) return;
    await ask("POST", `/${id}/finish`);
    keep(null);
    at("sending").hidden = true;
    at("finished").hidden = false;
    at("words").textContent = words.done;
  }

  at("choose").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (going) return;
    going = true;
    at("choose").hidden = true;
    at("sending").hidden = false;
    at("list").replaceChildren();
    at("refused").hidden = true;
    // Phones sleep otherwise; only where the browser allows it without HTTPS.
    wake = await navigator.wakeLock?.request("screen").catch(() => null);
    try {
      await send();
    } catch (error) {
      trouble(error instanceof Refused ? error.message : words.away);
    }
    going = false;
    await wake?.release().catch(() => null);
    at("pause").hidden = true;
    if (at("finished").hidden) { at("choose").hidden = false; show(); }
  });

  at("pause").addEventListener("click", () => {
    paused = !paused;
    at("pause").textContent = paused ? words.on : words.pause;
    if (!paused) waiting.splice(0).forEach((go) => go());
  });
  window.addEventListener("beforeunload", (event) => {
    if (going) { event.preventDefault(); event.returnValue = words.leave; }
  });
  document.querySelectorAll("[data-cancel]").forEach((button) => button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await ask("DELETE", `/${button.dataset.cancel}`);
    } catch { /* gone already */ }
    button.closest("li").remove();
  }));
  show();
})();
