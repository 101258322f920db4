// From spot to spot on foot. All that is needed is on the page: the box may be out of reach in the field.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.walk), { words } = setup;
  const map = openMap(stage, setup), leg = document.getElementById("leg");
  if (setup.zoom.photo !== null) photoOf(setup).addTo(map);
  boundaryOf(setup).addTo(map);
  L.polyline(setup.path, { color: "#ffe600", weight: 4, dashArray: "10 8", edge: { color: "#14211a", weight: 8 }, interactive: false }).addTo(map);
  const at = (name) => leg.querySelector(`[data-${name}]`);
  const arrow = leg.querySelector(".arrow"), gps = document.getElementById("gps"), start = document.getElementById("start");
  const count = (value, digits = 0) => value.toLocaleString(`${document.documentElement.lang}-u-nu-latn`, { maximumFractionDigits: digits });

  // -- what is kept on this phone -------------------------------------------------------------------

  // By name: the order of going may change.
  const KEY = `fieldbox.walk.done.${setup.survey}`, QUEUE = "fieldbox.walk.told";
  const read = (key, usual) => { try { return JSON.parse(localStorage.getItem(key)) ?? usual; } catch { return usual; } };
  const write = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* as long as the page is open */ } };
  let done = new Set(read(KEY, [])), queue = read(QUEUE, []), goal = null, here = null, facing = null, arrived = false, watch = null;

  // -- the map --------------------------------------------------------------------------------------

  const markers = new Map(setup.spots.map((spot) => {
    const icon = L.divIcon({ className: `spot-marker of-${spot.sort}`, html: Object.assign(document.createElement("span"), { textContent: spot.name }), iconSize: [44, 44] });
    const marker = L.marker(spot.at, { icon, alt: spot.called, title: `${spot.called}: ${spot.kind}` }).addTo(map);
    marker.on("click", () => choose(spot));
    return [spot.name, marker];
  }));
  const me = L.marker(setup.spots[0].at, { icon: L.divIcon({ className: "me", html: "<span></span>", iconSize: [22, 22] }), interactive: false, keyboard: false });
  const around = L.circle(setup.spots[0].at, { radius: 1, color: "#1c6fe8", weight: 2, fillOpacity: 0.12, interactive: false });
  const way = L.polyline([], { color: "#1c6fe8", weight: 4, edge: { color: "#ffffff", weight: 8 }, interactive: false });

  function marks() {
    for (const [name, marker] of markers) {
      const icon = marker.getElement();
      icon?.classList.toggle("past", done.has(name));
      icon?.classList.toggle("goal", goal?.name === name);
    }
    document.querySelectorAll("[data-stop]").forEach((item) => {
      const name = item.dataset.stop;
      item.querySelector(".tick").hidden = !done.has(name);
      item.toggleAttribute("data-current", goal?.name === name);
    });
  }

  // -- pictures: those of the next spots are fetched while the box is in reach ------------------------

  const AHEAD = 3, pictures = new Map();

  function prefetch() {
    const open = setup.spots.filter((spot) => !done.has(spot.name));
    const wanted = [goal, ...open].filter((spot) => spot?.photo && !pictures.has(spot.photo)).slice(0, AHEAD);
    for (const { photo } of wanted) {
      pictures.set(photo, null);
      fetch(photo).then((answer) => (answer.ok && !answer.redirected ? answer.blob() : Promise.reject())).then((blob) => {
        pictures.set(photo, URL.createObjectURL(blob));
        if (goal?.photo === photo) picture();
      }).catch(() => pictures.delete(photo));
    }
  }

  function picture() {
    const image = at("photo"), known = goal?.photo ? pictures.get(goal.photo) || goal.photo : "";
    image.hidden = !known;
    if (known && image.getAttribute("src") !== known) { image.src = known; image.alt = words.photo; }
  }

  // -- one spot after the other -----------------------------------------------------------------------

  function choose(spot) {
    goal = spot;
    arrived = false;
    leg.classList.remove("there");
    leg.dataset.spot = spot ? spot.name : "";
    at("arrived").hidden = true;
    at("done").hidden = !spot;
    if (at("verdicts")) at("verdicts").hidden = true;
    at("title").textContent = spot ? words.next.replace("NAME", spot.called).replace("NUMBER", spot.number).replace("COUNT", setup.spots.length) : words.all;
    at("why").textContent = spot ? `${spot.kind}. ${spot.why}` : "";
    at("checks").replaceChildren(...(spot ? [...spot.checks, spot.also].filter(Boolean) : []).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    picture();
    marks();
    prefetch();
    point();
  }

  function next() {
    const from = goal ? setup.spots.indexOf(goal) : -1, turned = [...setup.spots.slice(from + 1), ...setup.spots.slice(0, from + 1)];
    choose(turned.find((spot) => !done.has(spot.name)) || null);
  }

  const RAD = Math.PI / 180;
  function apart([lat, lon], [toLat, toLon]) {
    const north = (toLat - lat) * 111320, east = (toLon - lon) * 111320 * Math.cos(lat * RAD);
    return { metres: Math.hypot(north, east), bearing: (Math.atan2(east, north) / RAD + 360) % 360 };
  }

  function point() {
    arrow.toggleAttribute("hidden", !goal || !here);
    if (!goal || !here) { at("away").textContent = ""; way.remove(); return; }
    const { metres, bearing } = apart(here.at, goal.at);
    const towards = words.towards[Math.round(bearing / 45) % 8];
    at("away").textContent = words.away.replace("METRES", count(metres)).replace("TOWARDS", towards);
    arrow.style.transform = `rotate(${bearing - (facing ?? 0)}deg)`;
    way.setLatLngs([here.at, goal.at]).addTo(map);
    if (!arrived && metres <= Math.max(setup.reached, here.accuracy)) arrive();
  }

  function arrive() {
    arrived = true;
    leg.classList.add("there");
    navigator.vibrate?.([200, 100, 200]);
    const asks = goal.plant !== null && "judges" in stage.dataset;
    at("arrived").textContent = asks ? words.there : words.look;
    at("arrived").hidden = false;
    if (at("verdicts")) at("verdicts").hidden = !asks;
    leg.scrollIntoView({ block: "nearest" });
  }

  function tick() {
    if (!goal) return;
    done.add(goal.name);
    write(KEY, [...done]);
    next();
  }

  at("done").addEventListener("click", tick);
  leg.querySelectorAll("[data-verdict]").forEach((button) => button.addEventListener("click", () => {
    queue.push({ plant: goal.plant, verdict: button.dataset.verdict, act: `walk-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}` });
    write(QUEUE, queue);
    tick();
    send();
  }));
  document.querySelectorAll("[data-go]").forEach((button) => button.addEventListener("click", () => {
    choose(setup.spots.find((spot) => spot.name === button.dataset.go));
    (leg.hidden ? stage : leg).scrollIntoView({ block: "center" });
  }));
  document.getElementById("anew").addEventListener("click", () => {
    done = new Set();
    write(KEY, []);
    goal = null;
    next();
    stage.scrollIntoView({ block: "center" });
  });

  // -- what was told goes to the box when it is in reach ------------------------------------------------

  let sending = false;
  const RETRY_MS = 30000;

  async function send() {
    if (sending) return;
    sending = true;
    while (queue.length) {
      const outcome = await post(queue[0]);
      if (outcome !== "kept") { note(outcome === "login" ? words.login : words.waits); break; }
      queue.shift();
      write(QUEUE, queue);
      note(words.saved);
    }
    sending = false;
  }

  // What the box refuses (the plant is gone) is dropped: asking again would not help.
  async function post(told) {
    try {
      const answer = await fetch(setup.verdicts, {
        method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": stage.dataset.token }, body: JSON.stringify(told),
      });
      if (answer.status === 401 || answer.status === 403) return "login";
      return answer.status >= 500 || answer.status === 429 ? "later" : "kept";
    } catch { return "later"; }
  }

  function note(text) { at("queue").textContent = text; at("queue").hidden = false; }

  addEventListener("online", send);
  setInterval(() => { if (queue.length) send(); }, RETRY_MS);

  // -- where the phone is, and which way it looks ---------------------------------------------------------

  function moved({ coords }) {
    here = { at: [coords.latitude, coords.longitude], accuracy: coords.accuracy };
    me.setLatLng(here.at).addTo(map);
    around.setLatLng(here.at).setRadius(here.accuracy).addTo(map);
    // Somebody who walks looks where they go.
    if (coords.heading !== null && !Number.isNaN(coords.heading) && coords.speed > 0.7) facing = coords.heading;
    gps.textContent = words.exact.replace("METRES", count(Math.max(1, coords.accuracy)));
    start.hidden = true;
    point();
  }

  function turned(event) {
    if (event.webkitCompassHeading !== undefined) facing = event.webkitCompassHeading;
    else if (event.absolute && event.alpha !== null) facing = 360 - event.alpha + (screen.orientation?.angle || 0);
    else return;
    point();
  }

  let lock = null;
  async function awake() {
    if (!("wakeLock" in navigator) || document.hidden || lock) return;
    try {
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => { lock = null; });
    } catch { /* a low battery, or the browser does not want to */ }
  }

  function begin() {
    if (!isSecureContext || !navigator.geolocation) { gps.textContent = words.plain; return; }
    gps.textContent = words.asking;
    watch ??= navigator.geolocation.watchPosition(moved, (error) => {
      gps.textContent = error.code === 1 ? words.refused : words.lost;
      if (error.code === 1) { navigator.geolocation.clearWatch(watch); watch = null; start.hidden = false; }
    }, { enableHighAccuracy: true, maximumAge: 2000, timeout: 60000 });
    const compass = window.DeviceOrientationEvent;
    const listen = () => { addEventListener("deviceorientationabsolute", turned); addEventListener("deviceorientation", turned); };
    if (compass?.requestPermission) compass.requestPermission().then((answer) => { if (answer === "granted") listen(); }).catch(() => {});
    else if (compass) listen();
    awake();
    document.addEventListener("visibilitychange", awake);
  }

  start.addEventListener("click", begin);
  if (!isSecureContext || !navigator.geolocation) {
    start.hidden = true;
    gps.textContent = words.plain;
    const files = document.getElementById("files");
    if (files) gps.after(files);
  }
  next();
  send();
  stage.dataset.ready = "1";
})();
