// What every map has: the mosaic, the field's boundary, controls of a finger's size.
"use strict";

const SHEET_PX = [680, 560];

function openStage(stage, setup) {
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
  if (setup.zoom.photo !== null) {
    tiles("mosaic", { maxNativeZoom: setup.zoom.photo, className: "photo" }).on("tileloadstart", ({ tile }) => {
      tile.style.width = tile.style.height = `${parseFloat(tile.style.width) + 1}px`;
    }).addTo(map);
  }
  if (setup.boundary.length) {
    for (const [weight, color] of [[5, "#ffffff"], [2, "#14211a"]]) {
      L.polygon(setup.boundary, { weight, color, fill: false, interactive: false }).addTo(map);
    }
  }
  // Printed, a map is a picture: as it is on the screen, scaled to the sheet (css/print.css). New tiles would come too late.
  addEventListener("beforeprint", () => {
    const { x, y } = map.getSize(), scale = Math.min(SHEET_PX[0] / x, SHEET_PX[1] / y, 2);
    const told = { "--print-width": `${x}px`, "--print-height": `${y}px`, "--print-scale": scale, "--print-room": `${y * scale}px` };
    Object.entries(told).forEach(([name, value]) => stage.parentElement.style.setProperty(name, value));
  });
  return { map, tiles };
}
