// The map of a field: mosaic, one layer of colours, outlines of single weeds, hotspots.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.map);
  const hint = document.getElementById("map-hint");
  const dialog = document.getElementById("evidence");

  const bounds = L.latLngBounds(setup.bounds);
  const map = L.map(stage, {
    preferCanvas: true, zoomControl: false, attributionControl: false,
    maxZoom: 25, minZoom: 10, zoomSnap: 0.25, maxBounds: bounds.pad(1), bounceAtZoomLimits: false,
  });
  map.fitBounds(bounds, { padding: [8, 8] });
  L.control.zoom({ zoomInTitle: setup.words.zoomInTitle, zoomOutTitle: setup.words.zoomOutTitle }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);

  const tiles = (layer, options) => L.tileLayer(setup.tiles.replace("{layer}", layer), {
    bounds, maxZoom: 25, updateWhenZooming: false, ...options,
  });
  // Each tile of the photo is drawn a pixel too large: at zooms between two steps the seams would show.
  tiles("mosaic", { maxNativeZoom: setup.zoom.photo, className: "photo" }).on("tileloadstart", ({ tile }) => {
    tile.style.width = tile.style.height = `${parseFloat(tile.style.width) + 1}px`;
  }).addTo(map);
  if (setup.boundary.length) {
    for (const [weight, color] of [[5, "#ffffff"], [2, "#14211a"]]) {
      L.polygon(setup.boundary, { weight, color, fill: false, interactive: false }).addTo(map);
    }
  }

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
  toggle("show-spots", (on) => (on ? spots.addTo(map) : spots.remove()));
  document.querySelectorAll("[data-spot]").forEach((link) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const spot = setup.hotspots.find((each) => String(each.rank) === link.dataset.spot);
    map.setView(spot.at, Math.max(map.getZoom(), setup.zoom.weeds + 1));
    show(spot.url);
  }));

  // Single weeds, only those in view and only when near.
  const weeds = L.geoJSON(null, {
    // Unsure plants have a dashed outline and no filling, so that they differ without colour.
    style: (feature) => (feature.properties.certainty === "unsure"
      ? { color: "#ff1493", weight: 2, dashArray: "3 4", fill: true, fillOpacity: 0 }
      : { color: "#ff1493", weight: 2, fillColor: "#ff1493", fillOpacity: 0.12 }),
    onEachFeature: (feature, layer) => layer.on("click", () => {
      const seen = feature.properties;
      show(`${setup.look.replace("DIGEST", seen.photo)}?x=${seen.x}&y=${seen.y}&certainty=${seen.certainty}`);
    }),
  }).addTo(map);
  // Crop plants that look poor beside their neighbours: dotted, so that they differ without colour.
  const poor = L.geoJSON(null, {
    style: { color: "#ffb000", weight: 2, dashArray: "1 4", fill: true, fillOpacity: 0 },
    onEachFeature: (feature, layer) => layer.on("click", () => {
      const seen = feature.properties;
      show(`${setup.look.replace("DIGEST", seen.photo)}?x=${seen.x}&y=${seen.y}&health=${seen.health}`);
    }),
  }).addTo(map);
  let wanted = true, poorWanted = false, asked = 0, poorAsked = 0;

  async function drawPoor() {
    const round = ++poorAsked;
    if (!setup.poor || !poorWanted || map.getZoom() < setup.zoom.weeds) {
      poor.clearLayers();
      return;
    }
    const box = map.getBounds().pad(0.2);
    const bbox = [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((each) => each.toFixed(7));
    try {
      const answer = await fetch(`${setup.poor}?bbox=${bbox.join(",")}`);
      if (round !== poorAsked || !answer.ok) return;
      const found = await answer.json();
      if (round !== poorAsked) return;
      poor.clearLayers();
      poor.addData(found.features);
    } catch {
      if (round === poorAsked) say(setup.words.failed);
    }
  }
  map.on("moveend", drawPoor);
  toggle("show-poor", (on) => { poorWanted = on; drawPoor(); });

  async function drawWeeds() {
    const round = ++asked;
    if (!setup.weeds || !wanted || map.getZoom() < setup.zoom.weeds) {
      weeds.clearLayers();
      say(setup.weeds && wanted ? setup.words.zoomIn : "");
      return;
    }
    const box = map.getBounds().pad(0.2);
    const bbox = [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((each) => each.toFixed(7));
    try {
      const answer = await fetch(`${setup.weeds}?bbox=${bbox.join(",")}`);
      if (round !== asked) return;
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (round !== asked) return;
      weeds.clearLayers();
      weeds.addData(found.features);
      say(found.truncated ? setup.words.more : "");
    } catch {
      if (round === asked) say(setup.words.failed);
    }
  }
  map.on("moveend", drawWeeds);
  toggle("show-weeds", (on) => { wanted = on; drawWeeds(); });
  drawWeeds();

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

  function toggle(id, act) {
    const box = document.getElementById(id);
    if (box) box.addEventListener("change", () => act(box.checked));
  }

  function say(text) {
    hint.textContent = text;
    hint.hidden = !text;
  }
})();
