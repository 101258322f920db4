// The map of what changed between two dates.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.change);
  const hint = document.getElementById("map-hint");
  const busy = () => { hint.textContent = setup.words.busy; hint.hidden = false; };
  const { map } = openStage(stage, setup);
  const MORE = "#d7191c", LESS = "#1a9641", INK = "#ffffff", NUMBERED = 60;
  const spots = new Map();

  function draw(feature) {
    const told = feature.properties;
    const more = told.became === "new" || told.became === "spreading";
    const color = more ? MORE : LESS;
    L.geoJSON(feature, { style: { color: INK, weight: 4, opacity: 0.8, fill: false }, interactive: false }).addTo(map);
    // Fewer weeds have a dashed outline, so that they differ without colour.
    const layer = L.geoJSON(feature, {
      style: { color, weight: 2, dashArray: more ? null : "6 4", fillColor: color, fillOpacity: more ? 0.35 : 0.2 }, interactive: false,
    }).addTo(map);
    spots.set(told.name, layer.getBounds());
    if (told.number > NUMBERED) return;
    const face = document.createElement("span");
    face.textContent = told.name;
    const icon = L.divIcon({ className: `zone-marker ${more ? "more" : "less"}`, html: face, iconSize: [24, 24] });
    L.marker([told.lat, told.lon], { icon, interactive: false, keyboard: false }).addTo(map);
  }

  document.querySelectorAll("[data-spot]").forEach((link) => link.addEventListener("click", (event) => {
    const bounds = spots.get(link.dataset.spot);
    if (!bounds || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    map.fitBounds(bounds.pad(1), { maxZoom: 22 });
    stage.scrollIntoView({ block: "nearest" });
  }));

  (async () => {
    try {
      const answer = await ask(setup.spots, { busy });
      if (!answer.ok) throw new Error(answer.status);
      const { features } = await answer.json();
      features.forEach(draw);
      stage.dataset.drawn = features.length;
      hint.hidden = true;
    } catch {
      hint.textContent = setup.words.failed;
      hint.hidden = false;
    }
  })();
})();
