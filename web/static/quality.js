// The map of a flight: the ground that each photo shows, how far it may be off, and what no photo shows.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.quality);
  const hint = document.getElementById("map-hint");
  const busy = () => { hint.textContent = setup.words.busy; hint.hidden = false; };
  const { map } = openStage(stage, setup);
  const INK = "#14211a", KEPT = "#ffe600", HOLE = "#d7191c", THIN = "#5e3c99", FINGER_PX = 22, MANY = 100;
  const holes = L.layerGroup().addTo(map), outline = L.layerGroup(), error = L.layerGroup();
  // Of the photos' outlines: groups that have nothing in common differ.
  const GROUPS = ["#ffffff", "#7fd3ff", "#ffb84d", "#d9a6ff", "#a5e887"];
  const photos = [], openings = [];

  const rings = (feature) => feature.geometry.coordinates.map((part) => part.slice(0, -1).map(([lon, lat]) => [lat, lon]));
  const ring = (feature) => rings(feature)[0];
  const decimals = (metres) => metres.toLocaleString(`${document.documentElement.lang}-u-nu-latn`, {
    maximumFractionDigits: metres < 0.1 ? 2 : metres < 10 ? 1 : 0,
  });

  function middle(points) {
    const sum = points.reduce(([lat, lon], each) => [lat + each[0], lon + each[1]], [0, 0]);
    return sum.map((each) => each / points.length);
  }

  function colourOf(metres) {
    return setup.errors.colours[setup.errors.ends.filter((end) => metres > end).length];
  }

  function addPhoto(feature, many) {
    const points = ring(feature), told = feature.properties, at = middle(points);
    photos.push({ at, told });
    const line = (weight, color, more) => L.polygon(points, { weight, color, fill: false, interactive: false, ...more });
    if (told.aligned) {
      if (!many) line(2.5, INK, { opacity: 0.45 }).addTo(outline);
      line(many ? 0.8 : 1, GROUPS[told.block % GROUPS.length], { opacity: many ? 0.6 : 0.9 }).addTo(outline);
      L.circleMarker(at, { radius: 2, stroke: false, fillColor: "#ffffff", fillOpacity: 1, interactive: false }).addTo(outline);
    }
    L.circleMarker(at, {
      radius: many ? 5 : 8, weight: many ? 1 : 1.5, color: INK, fillColor: colourOf(told.error_m), fillOpacity: 1, interactive: false,
    }).addTo(error);
  }

  // Drawn after the others: these are the ones to look for.
  function addLoose(feature) {
    if (feature.properties.aligned) return;
    for (const group of [outline, error]) {
      L.polygon(ring(feature), { weight: 6, color: INK, fill: false, interactive: false }).addTo(group);
      L.polygon(ring(feature), { weight: 3, color: KEPT, dashArray: "8 5", fill: false, interactive: false }).addTo(group);
    }
  }

  function addHole(feature) {
    openings.push(L.latLngBounds(ring(feature)));
    L.polygon(rings(feature), { weight: 2, color: HOLE, fillColor: HOLE, fillOpacity: 0.5 })
      .bindPopup(document.createTextNode(setup.words.hole.replace("NUM", decimals(feature.properties.area_m2))))
      .addTo(holes);
  }

  // Beneath the holes: ground that one or two photos show, with openings.
  function addThin(feature) {
    L.polygon(rings(feature), { weight: 1, color: "#ffffff", opacity: 0.6, fillColor: THIN, fillOpacity: 0.4, interactive: false }).addTo(holes);
  }

  function choose(shown) {
    outline.remove();
    error.remove();
    if (shown === "outline") outline.addTo(map);
    if (shown === "error") error.addTo(map);
    document.querySelectorAll("[data-key]").forEach((each) => { each.hidden = each.dataset.key !== shown; });
  }

  function story(told) {
    const lines = [setup.words.place.replace("NUM", decimals(told.error_m))];
    lines.push(told.aligned ? setup.words.moved.replace("NUM", decimals(told.moved_m)) : setup.words.loose);
    if (!told.aligned && told.why) lines.push(setup.words.why[told.why] || "");
    if (told.aligned) told.doubts.forEach((doubt) => lines.push(setup.words.doubts[doubt] || ""));
    const box = document.createElement("div"), name = document.createElement("strong"), link = document.createElement("a");
    name.textContent = told.file;
    link.href = setup.photo.replace("DIGEST", told.photo);
    link.textContent = setup.words.look;
    link.className = "tap";
    box.append(name, ...lines.filter(Boolean).map((line) => {
      const part = document.createElement("div");
      part.textContent = line;
      return part;
    }), link);
    return box;
  }

  // A tap takes the photo whose middle is nearest.
  map.on("click", ({ containerPoint }) => {
    if (!map.hasLayer(outline) && !map.hasLayer(error)) return;
    let best = null, least = FINGER_PX;
    photos.forEach((photo) => {
      const away = map.latLngToContainerPoint(photo.at).distanceTo(containerPoint);
      if (away < least) [best, least] = [photo, away];
    });
    if (best) L.popup({ maxWidth: 260 }).setLatLng(best.at).setContent(story(best.told)).openOn(map);
  });

  document.querySelectorAll("[data-hole]").forEach((link) => link.addEventListener("click", (event) => {
    const bounds = openings[Number(link.dataset.hole)];
    if (!bounds || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    map.fitBounds(bounds.pad(1), { maxZoom: 22 });
    stage.scrollIntoView({ block: "nearest" });
  }));
  document.querySelectorAll("input[name=shown]").forEach((each) => {
    each.addEventListener("change", () => choose(each.value));
  });

  async function features(url) {
    const answer = await ask(url, { busy });
    if (!answer.ok) throw new Error(answer.status);
    return (await answer.json()).features;
  }

  (async () => {
    try {
      const [footprints, bare, thin] = await Promise.all([setup.footprints, setup.holes, setup.thin].map(features));
      thin.forEach(addThin);
      footprints.forEach((each) => addPhoto(each, footprints.length > MANY));
      footprints.forEach(addLoose);
      bare.forEach(addHole);
      stage.dataset.drawn = footprints.length;
      hint.hidden = true;
    } catch {
      hint.textContent = setup.words.failed;
      hint.hidden = false;
    }
  })();
  choose(document.querySelector("input[name=shown]:checked")?.value || "outline");
})();
