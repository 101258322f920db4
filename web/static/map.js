// The map of a field: mosaic, one layer of colours, outlines of single plants, gaps in rows, hotspots.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.map);
  const hint = document.getElementById("map-hint");
  const dialog = document.getElementById("evidence");

  const { map, tiles } = openStage(stage, setup);

  // One layer of colours at a time.
  let shown = null;
  function colour(key) {
    if (shown) shown.remove();
    shown = key ? tiles(key, { maxNativeZoom: setup.zoom.grid, className: "cells", zIndex: 2 }).addTo(map) : null;
    document.querySelectorAll("[data-legend]").forEach((each) => { each.hidden = each.dataset.legend !== key; });
  }
  document.querySelectorAll("input[name=layer]").forEach((each) => {
    each.addEventListener("change", () => colour(each.value));
    if (each.checked) colour(each.value);
  });

  // Hotspots.
  const spots = L.layerGroup(setup.hotspots.map((spot) => {
    const face = document.createElement("span");
    face.textContent = spot.rank;
    const icon = L.divIcon({ className: "spot-marker", html: face, iconSize: [44, 44] });
    return L.marker(spot.at, { icon, title: spot.title, alt: spot.title, riseOnHover: true, keyboard: true })
      .on("click", () => show(spot.url));
  })).addTo(map);
  document.getElementById("show-spots")?.addEventListener("change", ({ target }) => {
    if (target.checked) spots.addTo(map); else spots.remove();
  });
  document.querySelectorAll("[data-spot]").forEach((link) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const spot = setup.hotspots.find((each) => String(each.rank) === link.dataset.spot);
    map.setView(spot.at, Math.max(map.getZoom(), setup.zoom.weeds + 1));
    show(spot.url);
  }));

  // Single plants and gaps: only those in view, and only when near.
  const tell = {};  // What each overlay has to say; the first that says something is shown.
  const drawn = [];

  // `styles` are drawn one over the other: a dark or white edge below keeps a colour visible on any ground.
  function overlay(key, styles) {
    const url = setup.overlays[key], box = document.getElementById(`show-${key}`);
    if (!url || !box) return;
    const layers = styles.map((style, i) => L.geoJSON(null, { style, interactive: i === 0 }).addTo(map));
    let asked = 0;

    function put(features, said) {
      layers.forEach((layer) => layer.clearLayers().addData(features));
      tell[key] = said;
      say(Object.values(tell).find(Boolean) || "");
    }

    async function draw() {
      const round = ++asked;
      if (!box.checked) return put([], "");
      if (map.getZoom() < setup.zoom.weeds) return put([], setup.words.zoomIn);
      const view = map.getBounds().pad(0.2);
      const bbox = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()].map((each) => each.toFixed(7));
      try {
        const answer = await fetch(`${url}?bbox=${bbox.join(",")}`);
        if (!answer.ok) throw new Error(answer.status);
        const found = await answer.json();
        if (round === asked) put(found.features, found.truncated ? setup.words.more : "");
      } catch {
        if (round === asked) { tell[key] = setup.words.failed; say(tell[key]); }
      }
    }
    map.on("moveend", draw);
    box.addEventListener("change", draw);
    drawn.push(layers[0]);
    draw();
  }

  // From far off a plant is smaller than its outline: thick lines would show a field full of weeds.
  const far = () => map.getZoom() < setup.zoom.weeds + 2;
  // Unsure weeds have a dashed outline and no filling, so that they differ without colour.
  overlay("weeds", [() => ({ color: "#ffffff", weight: 5, opacity: far() ? 0 : 0.7, fill: false }), (one) => (one.properties.certainty === "unsure"
    ? { color: "#ff1493", weight: far() ? 0.8 : 2, dashArray: far() ? "1 1" : "3 4", fill: true, fillOpacity: 0 }
    : { color: "#ff1493", weight: far() ? 0.8 : 2, fillColor: "#ff1493", fillOpacity: far() ? 0.6 : 0.12 })]);
  // Small crop plants have a dashed outline, yellow ones a whole one.
  overlay("poor", [() => ({ color: "#14211a", weight: 7, fill: false }), (one) => (one.properties.health === "stunted"
    ? { color: "#ff9d1c", weight: 3, dashArray: "4 5", fill: false }
    : { color: "#ffe600", weight: 3, fill: false })]);
  overlay("gaps", [() => ({ color: "#ffffff", weight: 8, lineCap: "butt" }),
    () => ({ color: "#0047ff", weight: 4, lineCap: "butt" })]);

  // A plant is a few pixels wide and a finger some forty: a tap takes what is nearest.
  const FINGER_PX = 22;
  map.on("click", ({ containerPoint, latlng }) => {
    let best = null, least = FINGER_PX;
    drawn.forEach((group) => group.eachLayer((each) => {
      const bounds = each.getBounds();
      const [one, other] = [bounds.getNorthWest(), bounds.getSouthEast()].map((end) => map.latLngToContainerPoint(end));
      const wide = Math.max(0, Math.abs(containerPoint.x - (one.x + other.x) / 2) - (other.x - one.x) / 2);
      const high = Math.max(0, Math.abs(containerPoint.y - (one.y + other.y) / 2) - (other.y - one.y) / 2);
      const away = Math.hypot(wide, high);
      if (away < least) [best, least] = [each.feature.properties, away];
    }));
    if (!best) return;
    if (best.class === "gap") {
      L.popup({ closeButton: false }).setLatLng(latlng)
        .setContent(document.createTextNode(setup.words.missing.replace("NUM", best.missing))).openOn(map);
    } else {
      const verdict = best.health ? `health=${best.health}` : `certainty=${best.certainty}`;
      show(`${setup.look.replace("DIGEST", best.photo)}?x=${best.x}&y=${best.y}&${verdict}`);
    }
  });

  // The photo behind a spot.
  async function show(url) {
    try {
      const answer = await fetch(`${url}${url.includes("?") ? "&" : "?"}part=1`);
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      dialog.querySelector(".inside").innerHTML = await answer.text();
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
    } catch {
      location.href = url;
    }
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  function say(text) {
    hint.textContent = text;
    hint.hidden = !text;
  }
})();
