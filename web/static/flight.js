// The map of a flight's photos: where each was taken and what became of it, and the ground that none or few show.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.flight);
  const hint = document.getElementById("map-hint");
  const busy = () => { hint.textContent = setup.words.busy; hint.hidden = false; };
  const { map } = openStage(stage, setup);
  const INK = "#14211a", HOLE = "#d7191c", THIN = "#5e3c99", FINGER_PX = 22, MANY = 150;
  const COLOURS = { used: "#ffffff", placed: "#7fd3ff", loose: "#ffe600", unplaced: "#d7191c" };
  const photos = [];

  function addGround({ geometry, properties }) {
    const rings = geometry.coordinates.map((part) => part.slice(0, -1).map(([lon, lat]) => [lat, lon]));
    const bare = properties.ground === "bare";
    L.polygon(rings, {
      weight: bare ? 2 : 1, color: bare ? HOLE : "#ffffff", fillColor: bare ? HOLE : THIN, fillOpacity: bare ? 0.5 : 0.4, interactive: false,
    }).addTo(map);
  }

  function addPhoto({ geometry, properties }, many) {
    const [lon, lat] = geometry.coordinates;
    photos.push({ at: [lat, lon], told: properties });
    L.circleMarker([lat, lon], {
      radius: many ? 4 : 6, weight: 1.5, color: INK, fillColor: COLOURS[properties.became], fillOpacity: 1, interactive: false,
    }).addTo(map);
  }

  function story(told) {
    const box = document.createElement("div"), name = document.createElement("strong"), link = document.createElement("a");
    name.textContent = told.file;
    link.href = setup.photo.replace("DIGEST", told.photo);
    link.textContent = setup.words.look;
    link.className = "tap";
    const lines = [setup.words[told.became], told.why].filter(Boolean).map((line) => {
      const part = document.createElement("div");
      part.textContent = line;
      return part;
    });
    box.append(name, ...lines, link);
    return box;
  }

  map.on("click", ({ containerPoint }) => {
    let best = null, least = FINGER_PX;
    photos.forEach((photo) => {
      const away = map.latLngToContainerPoint(photo.at).distanceTo(containerPoint);
      if (away < least) [best, least] = [photo, away];
    });
    if (best) L.popup({ maxWidth: 260 }).setLatLng(best.at).setContent(story(best.told)).openOn(map);
  });

  (async () => {
    try {
      const answer = await ask(setup.photos, { busy });
      if (!answer.ok) throw new Error(answer.status);
      const { features } = await answer.json();
      const spots = features.filter((one) => one.geometry.type === "Point");
      features.filter((one) => one.geometry.type === "Polygon").forEach(addGround);
      // What needs a look is drawn above the others.
      const order = ["used", "placed", "loose", "unplaced"];
      spots.sort((a, b) => order.indexOf(a.properties.became) - order.indexOf(b.properties.became));
      spots.forEach((one) => addPhoto(one, spots.length > MANY));
      stage.dataset.drawn = spots.length;
      hint.hidden = true;
    } catch {
      hint.textContent = setup.words.failed;
      hint.hidden = false;
    }
  })();
})();
