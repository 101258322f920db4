// What every map has: the mosaic, the field's boundary, controls of a finger's size.
"use strict";

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
  // Printed, a map has the width of the sheet (css/print.css); what it shows stays in its middle.
  for (const [event, on] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => { stage.classList.toggle("on-paper", on); map.invalidateSize({ animate: false }); });
  }
  return { map, tiles };
}
