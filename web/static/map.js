// The map of a field: mosaic, one layer of colours, weeds, poor plants, gaps in rows, hotspots. What changes with the date is in
// `setup`, which comes with the panel beside the map.
"use strict";

(() => {
  const stage = document.getElementById("map"), panel = document.getElementById("panel");
  if (!stage || !window.L) return;
  const hint = document.getElementById("map-hint"), dialog = document.getElementById("evidence");
  const MOST = { weeds: 1300, poor: 400, gaps: 200 };  // Objects: a phone draws no more of them smoothly.
  const PINK = "#ff1493";

  let setup = read(panel);
  const map = openMap(stage, setup);
  for (const [name, height] of [["now", 200], ["then", 210], ["zones", 380], ["line", 390]]) map.createPane(name).style.zIndex = height;
  // What the reader chose stays when the date changes.
  const chosen = { layer: document.getElementById("setup").dataset.layer, opacity: 1, weeds: true, poor: false, gaps: false, spots: true };
  let made = L.layerGroup().addTo(map), mode = null;

  function read(root) {
    const found = root.querySelector("#setup");
    return found ? JSON.parse(found.dataset.map) : null;
  }

  // -- one date -----------------------------------------------------------------------------------

  function load() {
    made.remove();
    made = L.layerGroup().addTo(map);
    drawn.length = 0;
    Object.keys(tell).forEach((key) => delete tell[key]);
    if (setup.zoom.photo !== null) photoOf(setup, { pane: "now" }).addTo(made);
    boundaryOf(setup, { pane: "line", renderer: L.svg({ pane: "line" }) }).addTo(made);
    listen();
    colour();
    weeds();
    overlay("poor", setup.zoom.poor, (one) => (one.properties.health === "stunted"
      // Small crop plants have a dashed outline, yellow ones a whole one.
      ? { color: "#ff9d1c", weight: 3, dashArray: "4 5", fill: false, edge: { color: "#14211a", weight: 7 } }
      : { color: "#ffe600", weight: 3, fill: false, edge: { color: "#14211a", weight: 7 } }));
    overlay("gaps", setup.zoom.poor, () => ({ color: "#0047ff", weight: 4, lineCap: "butt", edge: { color: "#ffffff", weight: 8 } }));
    spots();
  }

  function listen() {
    panel.querySelectorAll("input[name=layer]").forEach((each) => each.addEventListener("change", () => {
      chosen.layer = each.value;
      colour();
      address();
    }));
    for (const key of ["weeds", "poor", "gaps", "spots"]) {
      const box = document.getElementById(`show-${key}`);
      if (!box) continue;
      box.checked = chosen[key];
      box.addEventListener("change", () => { chosen[key] = box.checked; });
    }
    const opacity = document.getElementById("opacity");
    opacity.value = 100 * chosen.opacity;
    opacity.addEventListener("input", () => { chosen.opacity = opacity.value / 100; strength(); });
  }

  // -- one layer of colours at a time -------------------------------------------------------------

  let shown = null, round = 0, laying = new AbortController();
  const zones = L.layerGroup();

  function colour() {
    const key = setup.layers[chosen.layer] ? chosen.layer : "";
    shown?.remove();
    shown = null;
    zones.clearLayers();
    round++;
    laying.abort();  // What nobody looks at any more.
    tell.zones = "";
    if (setup.layers[key] === "cells") {
      shown = tilesOf(setup, key, { pane: "now", maxNativeZoom: setup.zoom.grid, className: "cells", zIndex: 2 }).addTo(made);
    } else if (key) lay(key);
    strength();
    say();
    panel.querySelectorAll("[data-legend]").forEach((each) => { each.hidden = each.dataset.legend !== key; });
    panel.querySelectorAll("input[name=layer]").forEach((each) => { each.checked = each.value === key; });
    panel.querySelector(".opacity").hidden = !key;
    map.fire("layerchosen");
  }

  function strength() {
    shown?.setOpacity(chosen.opacity);
    map.getPane("zones").style.opacity = chosen.opacity;
  }

  const LOOKS = {
    spray: { color: "#e8590c", weight: 2, fillColor: "#e8590c", fillOpacity: 0.35, edge: { color: "#ffffff", weight: 4 } },
    left: { color: "#ffe600", weight: 2, dashArray: "5 5", fill: false, edge: { color: "#14211a", weight: 4, opacity: 0.6 } },
    off: { color: "#1c7ed6", weight: 2, fillColor: "#1c7ed6", fillOpacity: 0.3, edge: { color: "#ffffff", weight: 4 } },
    poor: { color: "#8c510a", weight: 2, fillColor: "#8c510a", fillOpacity: 0.35 },
    better: { color: "#01665e", weight: 2, fillColor: "#01665e", fillOpacity: 0.25 },
  };
  const zoneRenderer = new Edged({ pane: "zones" });

  function lookOf(told) {
    if (told.kept_off !== undefined) return LOOKS.off;
    if (told.treat !== undefined) return told.treat ? LOOKS.spray : LOOKS.left;
    return LOOKS[told.vigour];
  }

  async function lay(key) {
    const asked = round;
    laying = new AbortController();
    tell.zones = setup.words.laying;
    const busy = () => { tell.zones = setup.words.busy; say(); };
    try {
      const answer = await ask(setup.zones[key], { signal: laying.signal, busy }), found = await answer.json();
      if (asked !== round) return;
      tell.zones = answer.ok ? "" : found.error;
      (found.features || []).forEach((feature) => {
        const style = lookOf(feature.properties);
        if (!style) return;
        const layer = L.geoJSON(feature, { style, pane: "zones", renderer: zoneRenderer, interactive: false }).addTo(zones);
        // A name comes from a file that anybody may have made: as text, never as markup.
        if (feature.properties.kept_off !== undefined) {
          const name = document.createElement("span");
          name.textContent = setup.words.keptOff.replace("NAME", () => feature.properties.kept_off);
          layer.bindTooltip(name);
        }
      });
      zones.addTo(made);
      stage.dataset.zones = zones.getLayers().length;
    } catch {
      if (asked !== round) return;
      tell.zones = setup.words.failed;
    }
    say();
  }

  // -- single plants and gaps: only those in view, and only when near -----------------------------

  const tell = {};  // What each overlay has to say; the first that says something is shown.
  const drawn = [];

  function say() {
    const text = Object.values(tell).find(Boolean) || "";
    hint.textContent = text;
    hint.hidden = !text;
    stage.dataset.objects = drawn.reduce((sum, group) => sum + group.getLayers().length, 0);
  }

  function overlay(key, from, style, crowded) {
    const url = setup.overlays[key], box = document.getElementById(`show-${key}`), group = made;
    if (!url || !box) return;
    const layer = L.geoJSON(null, { style, interactive: true }).addTo(made);
    let asked = 0, wanted = new AbortController();

    function put(features, said, many) {
      layer.clearLayers().addData(features);
      tell[key] = said;
      crowded?.(many);
      say();
    }

    async function draw() {
      const turn = ++asked;
      wanted.abort();
      if (group !== made) { map.off("moveend", draw); return; }
      if (!box.checked) { put([], "", false); return; }
      if (map.getZoom() < from) { put([], crowded ? "" : setup.words.zoomIn, true); return; }
      const view = map.getBounds().pad(0.2);
      const bbox = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()].map((each) => each.toFixed(7));
      try {
        wanted = new AbortController();
        const busy = () => { tell[key] = setup.words.busy; say(); };
        const answer = await ask(`${url}?bbox=${bbox.join(",")}&limit=${MOST[key]}`, { signal: wanted.signal, busy });
        if (!answer.ok) throw new Error(answer.status);
        const found = await answer.json();
        if (turn !== asked || group !== made) return;
        // A part of the weeds would be a wrong picture: all of them are dots then.
        if (found.truncated && crowded) put([], setup.words.crowded, true);
        else put(found.features, found.truncated ? setup.words.more : "", false);
      } catch {
        if (turn === asked && group === made) put([], setup.words.failed, true);
      }
    }
    map.on("moveend", draw);
    box.addEventListener("change", draw);
    drawn.push(layer);
    draw();
  }

  // Unsure weeds have a dashed outline and no filling, so that they differ without colour.
  function weeds() {
    if (!setup.overlays.weeds) return;
    const dots = tilesOf(setup, "plants", { pane: "now", zIndex: 3, className: "plants" });
    const box = document.getElementById("show-weeds"), group = made;
    const far = () => map.getZoom() < setup.zoom.weeds + 1;
    const edge = () => ({ color: "#ffffff", weight: 5, opacity: far() ? 0 : 0.7 });
    overlay("weeds", setup.zoom.weeds, (one) => (one.properties.certainty === "unsure"
      ? { color: PINK, weight: far() ? 1.2 : 2, dashArray: far() ? "2 2" : "3 4", fill: true, fillOpacity: 0, edge: edge() }
      : { color: PINK, weight: far() ? 1.2 : 2, fillColor: PINK, fillOpacity: far() ? 0.5 : 0.12, edge: edge() }), (many) => {
      if (box.checked && many && group === made) dots.addTo(made); else made.removeLayer(dots);
    });
  }

  // -- hotspots -----------------------------------------------------------------------------------

  function spots() {
    const group = L.layerGroup(setup.hotspots.map((spot) => {
      const face = document.createElement("span");
      face.textContent = spot.rank;
      const icon = L.divIcon({ className: "spot-marker", html: face, iconSize: [44, 44] });
      return L.marker(spot.at, { icon, title: spot.title, alt: spot.title, riseOnHover: true, keyboard: true })
        .on("click", () => { if (mode?.tap) mode.tap(L.latLng(spot.at)); else show(spot.url); });
    }));
    const put = () => { if (chosen.spots) group.addTo(made); else made.removeLayer(group); };
    document.getElementById("show-spots")?.addEventListener("change", put);
    put();
    panel.querySelectorAll("[data-spot]").forEach((link) => link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const spot = setup.hotspots.find((each) => String(each.rank) === link.dataset.spot);
      map.setView(spot.at, Math.max(map.getZoom(), setup.zoom.weeds + 0.5));
      show(spot.url);
    }));
  }

  // -- a tap --------------------------------------------------------------------------------------

  // A plant is a few pixels wide and a finger some forty: a tap takes what is nearest.
  const FINGER_PX = 22;

  function nearest(point) {
    let best = null, least = FINGER_PX;
    drawn.forEach((group) => group.eachLayer((each) => {
      const bounds = each.getBounds();
      const [one, other] = [bounds.getNorthWest(), bounds.getSouthEast()].map((end) => map.latLngToContainerPoint(end));
      const wide = Math.max(0, Math.abs(point.x - (one.x + other.x) / 2) - (other.x - one.x) / 2);
      const high = Math.max(0, Math.abs(point.y - (one.y + other.y) / 2) - (other.y - one.y) / 2);
      const away = Math.hypot(wide, high);
      if (away < least) [best, least] = [each, away];
    }));
    return best;
  }

  map.on("click", ({ containerPoint, latlng }) => {
    if (mode?.tap) { mode.tap(latlng); return; }
    const best = nearest(containerPoint);
    if (best?.feature.properties.class === "gap") {
      L.popup({ closeButton: false }).setLatLng(latlng)
        .setContent(document.createTextNode(setup.words.missing.replace("NUM", best.feature.properties.missing))).openOn(map);
    } else if (best) {
      here(best.getBounds().getCenter());
    } else if (chosen.weeds && setup.overlays.weeds && map.getZoom() < setup.zoom.weeds) {
      map.setView(latlng, setup.zoom.weeds + 0.5);
    }
  });
  // A long press, or the right button.
  map.on("contextmenu", ({ latlng }) => here(latlng));

  const here = (at) => show(`${setup.here}?lat=${at.lat.toFixed(8)}&lon=${at.lng.toFixed(8)}`);

  // The photos behind a place.
  let looking = new AbortController();
  async function show(url) {
    looking.abort();
    const { signal } = looking = new AbortController();
    try {
      const [answer] = await Promise.all([ask(`${url}${url.includes("?") ? "&" : "?"}part=1`, { signal }), need("evidence")]);
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const inside = dialog.querySelector(".inside");
      inside.innerHTML = await answer.text();
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
      evidence.begin(inside, { showAt });
    } catch {
      if (!signal.aborted) location.href = url;
    }
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  let mark = null;
  function showAt(place) {
    if (dialog.open) dialog.close();
    mark?.remove();
    const icon = L.divIcon({ className: "here-marker", iconSize: [44, 44] });
    mark = L.marker(place, { icon, interactive: false, keyboard: false }).addTo(map);
    map.setView(place, Math.max(map.getZoom(), setup.zoom.weeds + 0.5));
    stage.scrollIntoView({ block: "nearest" });
  }

  // -- dates --------------------------------------------------------------------------------------

  function address() {
    const wanted = new URLSearchParams();
    if (document.getElementById("date")) wanted.set("survey", setup.survey);
    if (chosen.layer) wanted.set("layer", chosen.layer);
    const text = wanted.toString();
    history.replaceState(null, "", text ? `?${text}` : location.pathname);
  }

  async function partOf(survey, signal) {
    const wanted = new URLSearchParams({ survey, layer: chosen.layer, part: 1 });
    const answer = await ask(`${panel.dataset.address}?${wanted}`, { signal });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    return part.content;
  }

  function dates() {
    const slider = document.getElementById("date");
    if (!slider) return;
    const ids = slider.dataset.ids.split(" "), said = slider.dataset.said.split("|");
    slider.addEventListener("input", () => {
      document.getElementById("date-told").textContent = said[slider.value];
      slider.setAttribute("aria-valuetext", said[slider.value]);
    });
    let turn = 0, wanted = new AbortController();
    slider.addEventListener("change", async () => {
      const mine = ++turn, survey = ids[slider.value];
      wanted.abort();
      wanted = new AbortController();
      try {
        const part = await partOf(survey, wanted.signal), news = read(part);
        if (mine !== turn) return;
        if (!news) { location.search = `?survey=${survey}`; return; }
        const held = document.activeElement === slider;
        panel.replaceChildren(part);
        setup = news;
        dress();
        load();
        address();
        if (held) document.getElementById("date").focus();
        map.fire("datechosen");
      } catch {
        if (mine !== turn) return;
        tell.dates = setup.words.failed;
        say();
      }
    });
  }

  function dress() {
    panel.querySelectorAll("[data-hide-with-script]").forEach((each) => { each.hidden = true; });
    panel.querySelectorAll("[data-needs-script]").forEach((each) => { each.hidden = false; });
    dates();
  }

  // -- tools, loaded when they are first wanted ---------------------------------------------------

  const loaded = {};
  function need(name) {
    loaded[name] ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = stage.dataset[name];
      script.onload = resolve;
      script.onerror = () => { delete loaded[name]; reject(new Error(name)); };
      document.head.append(script);
    });
    return loaded[name];
  }

  // One tool at a time; `made` is { tap, end }.
  function leave() {
    mode?.end?.();
    mode = null;
    document.querySelectorAll(".tools [aria-pressed=true]").forEach((each) => each.setAttribute("aria-pressed", "false"));
    tell.tool = "";
    say();
  }

  function tool(name, begin) {
    const button = document.getElementById(`tool-${name}`);
    button?.addEventListener("click", async () => {
      const on = button.getAttribute("aria-pressed") === "true";
      leave();
      if (on) return;
      try {
        mode = await begin();
        button.setAttribute("aria-pressed", "true");
      } catch {
        tell.tool = setup.words.failed;
      }
      say();
    });
  }

  const field = { map, chosen, leave, partOf, read, get setup() { return setup; } };
  tool("here", () => {
    tell.tool = setup.words.tapHere;
    return { tap: (at) => { leave(); here(at); } };
  });
  tool("measure", async () => { await need("measure"); return measure.begin(field); });
  tool("compare", async () => { await need("compare"); return compare.begin(field); });

  dress();
  load();
  const at = document.getElementById("setup").dataset.at;
  if (at) showAt(at.split(",").map(Number));
})();
