// The map of what is sprayed: zones that are treated, zones that are left, ground that is kept off.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.decide);
  const hint = document.getElementById("map-hint");
  const busy = () => { hint.textContent = setup.words.busy; hint.hidden = false; };
  const { map } = openStage(stage, setup);
  const SPRAY = "#e8590c", LEFT = "#ffe600", OFF = "#1c7ed6", INK = "#14211a", NUMBERED = 60;
  const zones = new Map();

  const styles = {
    spray: [{ color: "#ffffff", weight: 4, opacity: 0.8, fill: false }, { color: SPRAY, weight: 2, fillColor: SPRAY, fillOpacity: 0.35 }],
    left: [{ color: INK, weight: 4, opacity: 0.6, fill: false }, { color: LEFT, weight: 2, dashArray: "5 5", fill: false }],
    off: [{ color: "#ffffff", weight: 4, opacity: 0.8, fill: false }, { color: OFF, weight: 2, fillColor: OFF, fillOpacity: 0.3 }],
  };

  function draw(feature) {
    const told = feature.properties;
    const kind = told.kept_off !== undefined ? "off" : told.treat ? "spray" : "left";
    const layers = styles[kind].map((style) => L.geoJSON(feature, { style, interactive: kind === "off" }).addTo(map));
    if (kind === "off") {
      // A name comes from a file that anybody may have made: as text, never as markup.
      const name = document.createElement("span");
      name.textContent = setup.words.keptOff.replace("NAME", () => told.kept_off);
      layers[1].bindTooltip(name);
      return;
    }
    zones.set(told.name, layers[0].getBounds());
    if (told.rank > NUMBERED) return;
    const face = document.createElement("span");
    face.textContent = told.name;
    const icon = L.divIcon({ className: `zone-marker ${kind}`, html: face, iconSize: [24, 24] });
    L.marker([told.lat, told.lon], { icon, interactive: false, keyboard: false }).addTo(map);
  }

  const stands = L.layerGroup();
  const poor = new Map();
  const look = { poor: { color: "#8c510a", fillOpacity: 0.35 }, better: { color: "#01665e", fillOpacity: 0.25 } };

  function drawStand(feature) {
    const told = feature.properties, style = look[told.vigour];
    const layer = L.geoJSON(feature, { style: { weight: 2, fillColor: style?.color, ...style }, interactive: false });
    if (!style) return;
    layer.addTo(stands);
    if (told.vigour !== "poor") return;
    poor.set(told.name, layer.getBounds());
    const face = document.createElement("span");
    face.textContent = told.name;
    const icon = L.divIcon({ className: "zone-marker poor", html: face, iconSize: [24, 24] });
    L.marker([told.lat, told.lon], { icon, interactive: false, keyboard: false }).addTo(stands);
  }

  const box = document.getElementById("show-vigour");
  box?.addEventListener("change", () => { if (box.checked) stands.addTo(map); else stands.remove(); });
  if (box?.checked) stands.addTo(map);
  document.querySelectorAll("[data-poor]").forEach((link) => link.addEventListener("click", (event) => {
    const bounds = poor.get(link.dataset.poor);
    if (!bounds || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (box) box.checked = true;
    stands.addTo(map);
    map.fitBounds(bounds.pad(1), { maxZoom: 22 });
    stage.scrollIntoView({ block: "nearest" });
  }));

  document.querySelectorAll("[data-zone]").forEach((link) => link.addEventListener("click", (event) => {
    const bounds = zones.get(link.dataset.zone);
    if (!bounds || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    map.fitBounds(bounds.pad(1), { maxZoom: 22 });
    stage.scrollIntoView({ block: "nearest" });
  }));

  async function read(url) {
    const answer = await ask(url, { busy });
    if (!answer.ok) throw new Error(answer.status);
    return (await answer.json()).features;
  }

  (async () => {
    try {
      const features = setup.sprayed ? await read(setup.zones) : [];
      features.forEach(draw);
      stage.dataset.drawn = features.length;
      if (box) (await read(setup.vigour)).forEach(drawStand);
      hint.hidden = true;
    } catch {
      hint.textContent = setup.words.failed;
      hint.hidden = false;
    }
  })();
})();
