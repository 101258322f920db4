// One plant after the other. The next ones are here before they are asked for; verdicts lie in this phone until the box
// has acknowledged each, and each has a name of its own, so that one that is sent twice counts once.
"use strict";

(() => {
  const room = document.getElementById("review");
  if (!room) return;
  const setup = JSON.parse(room.dataset.setup), words = setup.words, keys = JSON.parse(room.dataset.keys);
  const at = (name) => room.querySelector(`[data-${name}]`);
  const KEPT = `fieldbox-review ${room.dataset.who}`, ENOUGH = 4, FIRST_MS = 1000, LONGEST_MS = 30000;
  const SWIPE_PX = 70, FLING_PX_MS = 0.5, LEAST_VIEW = 48, WIDER = 1.5;
  const lang = `${document.documentElement.lang}-u-nu-latn`;  // digits as the box writes them
  const count = (number) => number.toLocaleString(lang);
  const svg = at("plant"), form = at("form");
  let ahead = setup.plants, past = [], mine = setup.mine, goal = setup.goal, fetching = null, exhausted = false;
  let view = null;

  // ---- what is not saved yet

  const kept = () => {
    try { return JSON.parse(localStorage.getItem(KEPT)) || []; } catch { return memory; }
  };
  let memory = [];
  function keep(acts) {
    memory = acts;
    try { localStorage.setItem(KEPT, JSON.stringify(acts)); } catch { /* no room: kept as long as the page is open */ }
    tell();
  }
  const nameOf = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  let sending = null, trouble = "", wake = null;
  function put(act) {
    keep([...kept(), act]);
    send();
  }
  const send = () => { sending ||= flush().finally(() => { sending = null; }); };

  async function flush() {
    for (let pause = FIRST_MS; ;) {
      const [act] = kept();
      if (!act) {
        trouble = "";
        tell();
        if (ahead.length === 0 && exhausted) location.reload();
        return;
      }
      const outcome = await post(act);
      if (outcome === "done") {
        keep(kept().filter((one) => one.id !== act.id));
        pause = FIRST_MS;
      } else if (outcome === "stop") {
        return;
      } else {
        await new Promise((go) => { wake = go; setTimeout(go, pause); });
        pause = Math.min(2 * pause, LONGEST_MS);
      }
    }
  }

  // "done": the box has it or does not want it (which is told); "again": later; "stop": somebody must log in first.
  async function post(act) {
    let answer = null;
    try {
      answer = await fetch(`/api/v1/review/${act.path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": room.dataset.token },
        body: JSON.stringify(act.body),
      });
    } catch { /* no network */ }
    if (answer?.ok) { trouble = ""; return "done"; }
    if (!answer || answer.status >= 500 || answer.status === 429) { trouble = words.away; tell(); return "again"; }
    if (answer.status === 401 || answer.status === 403) { trouble = words.login; tell(); return "stop"; }
    const told = await answer.json().catch(() => ({}));
    refuse(told.error || String(answer.status));
    return "done";
  }

  function refuse(why) {
    const line = document.createElement("p");
    line.className = "note bad";
    line.textContent = words.lost.replace("WHY", () => why);
    line.setAttribute("role", "alert");
    room.after(line);
  }

  function tell() {
    const open = kept().filter((one) => one.path !== "skipped").length, box = at("saved");
    const told = open === 0 ? "" : open === 1 ? words.one : words.many.replace("NUM", count(open));
    // What is saved within a moment is not worth a word.
    box.hidden = !(told && trouble);
    box.textContent = box.hidden ? "" : `${told} ${trouble}`;
    room.dataset.unsaved = open;
  }
  window.addEventListener("online", () => wake?.());
  window.addEventListener("beforeunload", (event) => { if (trouble && kept().length) event.preventDefault(); });

  // ---- what is shown

  const NS = "http://www.w3.org/2000/svg";
  function shape(item, look) {
    const one = document.createElementNS(NS, item.outline ? "polygon" : "circle");
    if (item.outline) one.setAttribute("points", item.outline);
    else ["cx", "cy", "r"].forEach((name, place) => one.setAttribute(name, item.ring[place]));
    one.setAttribute("class", look);
    return one;
  }

  function show() {
    const [item] = ahead;
    if (!item) { finish(); return; }
    const picture = document.createElementNS(NS, "image");
    picture.setAttribute("href", item.src);
    picture.setAttribute("width", item.size[0]);
    picture.setAttribute("height", item.size[1]);
    picture.addEventListener("error", () => { if (ahead[0] === item) broken(item); });
    at("broken").hidden = true;
    at("picture").querySelector("image").replaceWith(picture);
    at("outline").replaceChildren(shape(item, "under"), shape(item, item.sure ? "over" : "over unsure"));
    at("says").textContent = item.says;
    at("across").textContent = item.across;
    at("field").textContent = item.field;
    at("look-at").href = item.look;
    form.action = form.action.replace(/\d+$/, item.plant);
    seeAll();
    progress();
    room.dataset.plant = item.plant;
    fetchMore();
  }

  const given = {}, before = {};  // By surveys: verdicts since this page was opened, and what was checked then.
  // Out of reach, or removed meanwhile: nobody is to judge what cannot be seen.
  function broken(item) {
    at("broken").hidden = false;
    loaded.delete(item.src);
    window.addEventListener("online", () => { if (ahead[0] === item) show(); }, { once: true });
  }

  function progress() {
    const [item] = ahead;
    if (item) {
      before[item.survey] ??= item.checked;
      at("checked").textContent = words.checked.replace("NUM", count(Math.max(0, before[item.survey] + (given[item.survey] || 0))));
    }
    at("mine").textContent = words.mine.replace("NUM", count(mine)).replace("GOAL", count(goal));
    const bar = room.querySelector("progress");
    bar.max = Math.max(goal, 1);
    bar.value = mine;
  }

  const loaded = new Map();  // Pictures in hand: the browser lets go of what nobody holds.
  function preload() {
    ahead.slice(0, 6).forEach((item) => {
      if (loaded.has(item.src)) return;
      const picture = new Image();
      picture.src = item.src;
      loaded.set(item.src, picture);
    });
    [...loaded.keys()].slice(0, -12).forEach((src) => loaded.delete(src));
  }

  function fetchMore() {
    preload();
    if (ahead.length >= ENOUGH || exhausted) return;
    fetching ||= more().finally(() => { fetching = null; });
  }

  async function more() {
    for (let pause = FIRST_MS; ; pause = Math.min(2 * pause, LONGEST_MS)) {
      // Also those whose verdict is under way: the box may not know of it yet.
      const but = new Set([...ahead, ...past.map((one) => one.item)].map((one) => one.plant));
      kept().forEach((act) => but.add(act.body.plant));
      const query = new URLSearchParams({ ...setup.scope, but: [...but].filter(Boolean).slice(-400).join(",") });
      let answer = null;
      try { answer = await fetch(`/api/v1/review/plants?${query}`); } catch { /* no network */ }
      if (answer?.ok) {
        const told = await answer.json();
        const fresh = told.plants.filter((one) => !ahead.some((other) => other.plant === one.plant));
        exhausted = fresh.length === 0;
        const empty = ahead.length === 0;
        ahead.push(...fresh);
        goal = Math.max(goal, Math.min(told.goal, mine + ahead.length + 40));
        if (exhausted) goal = mine + ahead.length;
        if (empty) show(); else { preload(); progress(); }
        return;
      }
      if (answer && answer.status < 500) return;
      await new Promise((go) => { setTimeout(go, pause); window.addEventListener("online", go, { once: true }); });
    }
  }

  function finish() {
    delete room.dataset.plant;
    if (!exhausted) { say(words.wait); svg.classList.add("gone"); fetchMore(); return; }
    // The box knows what came of it, and can take the last one back.
    if (kept().length === 0) { location.reload(); return; }
    room.classList.add("finished");
    progress();
    document.querySelector("[data-finished]").hidden = false;
  }

  function say(text) { at("aloud").textContent = text; }

  // ---- verdicts

  function judge(verdict) {
    const [item] = ahead;
    if (!item) return;
    ahead.shift();
    const id = nameOf();
    past.push({ item, id, verdict });
    if (verdict === "skip") {
      put({ id, path: "skipped", body: { plant: item.plant } });
      say(words.skipped);
    } else {
      put({ id, path: "verdicts", body: { plant: item.plant, verdict, act: id } });
      mine += 1;
      given[item.survey] = (given[item.survey] || 0) + 1;
      if (mine > goal) goal = mine;
      say(form.querySelector(`[data-verdict=${verdict}] .word`).firstChild.textContent.trim());
      if (mine === goal && mine % 40 === 0) say(words.round);
    }
    navigator.vibrate?.(10);
    if (past.length > 2) at("swipe").hidden = true;
    show();
  }

  function takeBack() {
    const last = past.pop();
    if (!last) return false;
    if (last.verdict !== "skip") {
      mine = Math.max(0, mine - 1);
      given[last.item.survey] -= 1;
      const acts = kept(), there = acts.findIndex((one) => one.id === last.id);
      // The first may be on its way: whether the box has it, nobody knows.
      if (there > 0 || (there === 0 && !sending)) keep(acts.filter((one) => one.id !== last.id));
      else put({ id: nameOf(), path: "undone", body: { act: last.id } });
    }
    ahead = [last.item, ...ahead];
    show();
    say(words.taken);
    return true;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    judge(event.submitter?.value || "skip");
  });
  at("undo").addEventListener("submit", (event) => {
    // What an earlier visit to this page gave, the box takes back.
    if (past.length || kept().length) { event.preventDefault(); takeBack(); }
  });

  const BY_KEY = { 1: "right", 2: "wrong", 3: "crop", 4: "unsure", ArrowRight: "right", ArrowLeft: "wrong" };
  Object.entries(keys).forEach(([name, key]) => { BY_KEY[key] = BY_KEY[key.toLowerCase()] = name; });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, dialog")) return;
    const undone = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (!undone && (event.ctrlKey || event.metaKey || event.altKey || event.repeat)) return;
    const told = undone ? "undo" : BY_KEY[event.key];
    if (told === "undo") { event.preventDefault(); if (!takeBack()) at("undo").requestSubmit(); }
    else if (told && ahead.length) { event.preventDefault(); judge(told); }
    else if (event.key === "+" || event.key === "-") { zoom(event.key === "+" ? 1 / WIDER : WIDER); }
    else if (event.key === " " && event.target === document.body) { event.preventDefault(); hide(); }
  });

  // ---- the picture: closer, farther, moved, swiped away

  function see() { svg.setAttribute("viewBox", view.join(" ")); }
  function seeAll() {
    const [x, y, side] = ahead[0].view;
    view = [x, y, side, side];
    svg.classList.remove("gone");
    move(0);
    see();
  }
  function zoom(factor, about) {
    const [item] = ahead;
    if (!item) return;
    const most = Math.max(item.view[2], Math.min(item.size[0], item.size[1]));
    const side = Math.min(most, Math.max(LEAST_VIEW, view[2] * factor)), rate = side / view[2];
    const [x, y] = about || [view[0] + view[2] / 2, view[1] + view[3] / 2];
    view = [x - (x - view[0]) * rate, y - (y - view[1]) * rate, side, side];
    inside();
  }
  function inside() {
    const [width, height] = ahead[0].size;
    view[0] = Math.max(0, Math.min(width - view[2], view[0]));
    view[1] = Math.max(0, Math.min(height - view[3], view[1]));
    see();
  }
  function hide() {
    const bare = svg.classList.toggle("bare"), button = at("outline-switch");
    button.setAttribute("aria-pressed", bare);
    button.setAttribute("aria-label", bare ? words.show : words.hide);
    button.title = bare ? words.show : words.hide;
  }
  at("outline-switch").addEventListener("click", hide);
  room.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
    zoom(button.dataset.zoom === "in" ? 1 / WIDER : WIDER);
  }));
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, point(event));
  }, { passive: false });
  const scaled = ({ width, height }) => view[2] / Math.min(width, height);
  const point = ({ clientX, clientY }) => {
    const box = svg.getBoundingClientRect(), scale = scaled(box);
    return [
      view[0] + view[2] / 2 + (clientX - box.left - box.width / 2) * scale,
      view[1] + view[3] / 2 + (clientY - box.top - box.height / 2) * scale,
    ];
  };

  function move(x) {
    svg.style.transform = x ? `translateX(${x}px) rotate(${x / 40}deg)` : "";
    ["wrong", "right"].forEach((name, place) => {
      const along = place ? x : -x;
      room.querySelector(`[data-stamp=${name}]`).style.opacity = Math.max(0, Math.min(1, (along - 20) / (SWIPE_PX - 20)));
    });
  }

  const fingers = new Map();
  let from = null, apart = 0;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !ahead.length) return;
    fingers.set(event.pointerId, event);
    svg.setPointerCapture(event.pointerId);
    from = { x: event.clientX, y: event.clientY, at: event.timeStamp, view: [...view], moved: false };
    if (fingers.size === 2) { apart = distance(); move(0); }
  });
  const distance = () => {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  };
  const isClose = () => view[2] < ahead[0].view[2] * 0.95;
  svg.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId) || !from) return;
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) {
      const now = distance();
      zoom(apart / now, point(event));
      apart = now;
      from.moved = true;
    } else if (isClose()) {
      const scale = scaled(svg.getBoundingClientRect());
      view = [from.view[0] - (event.clientX - from.x) * scale, from.view[1] - (event.clientY - from.y) * scale, view[2], view[3]];
      inside();
    } else if (!from.moved) {
      move(event.clientX - from.x);
    }
  });
  function lift(event) {
    if (!fingers.delete(event.pointerId) || !from) return;
    const x = event.clientX - from.x, y = event.clientY - from.y, swift = Math.abs(x) / Math.max(1, event.timeStamp - from.at);
    const swiped = event.type === "pointerup" && !from.moved && !isClose() && fingers.size === 0
      && Math.abs(x) > 2 * Math.abs(y) && (Math.abs(x) > SWIPE_PX || (swift > FLING_PX_MS && Math.abs(x) > 35));
    if (fingers.size === 0) from = null;
    move(0);
    if (swiped) judge(x > 0 ? "right" : "wrong");
  }
  ["pointerup", "pointercancel"].forEach((name) => svg.addEventListener(name, lift));

  // ---- begin

  at("tools").hidden = false;
  if (matchMedia("(pointer: coarse)").matches) at("swipe").hidden = false;
  seeAll();
  room.dataset.plant = ahead[0].plant;
  tell();
  send();
  fetchMore();
})();
