// What every map has: the mosaic, the field's boundary, controls of a finger's size.
"use strict";

const SHEET_PX = [680, 560];

// Lines with an edge of another colour below, so that they can be seen on any ground, as one object each.
const Edged = L.Canvas.extend({
  _fillStroke(draw, layer) {
    const { edge } = layer.options;
    if (edge) {
      draw.globalAlpha = edge.opacity ?? 1;
      draw.lineWidth = edge.weight;
      draw.strokeStyle = edge.color;
      draw.setLineDash([]);
      draw.lineCap = layer.options.lineCap;
      draw.stroke();
      draw.setLineDash(layer.options._dashArray || []);
    }
    L.Canvas.prototype._fillStroke.call(this, draw, layer);
  },
});

function openMap(stage, setup) {
  const bounds = L.latLngBounds(setup.bounds);
  const map = L.map(stage, {
    preferCanvas: true, renderer: new Edged(), zoomControl: false, attributionControl: false,
    maxZoom: 25, minZoom: 10, zoomSnap: 0.25, maxBounds: bounds.pad(1), bounceAtZoomLimits: false,
  });
  map.fitBounds(bounds, { padding: [8, 8] });
  L.control.zoom({ zoomInTitle: setup.words.zoomInTitle, zoomOutTitle: setup.words.zoomOutTitle }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  // Printed, a map is a picture: as it is on the screen, scaled to the sheet (css/print.css). New tiles would come too late.
  addEventListener("beforeprint", () => {
    const { x, y } = map.getSize(), scale = Math.min(SHEET_PX[0] / x, SHEET_PX[1] / y, 2);
    const told = { "--print-width": `${x}px`, "--print-height": `${y}px`, "--print-scale": scale, "--print-room": `${y * scale}px` };
    Object.entries(told).forEach(([name, value]) => stage.parentElement.style.setProperty(name, value));
  });
  return map;
}

function tilesOf(setup, layer, options) {
  const tiles = L.tileLayer(setup.tiles.replace("{layer}", layer), {
    bounds: setup.bounds, maxZoom: 25, updateWhenZooming: false, ...options,
  });
  return patient(tiles);
}

// A tile that a busy box did not send is asked for again, as long as it is wanted.
function patient(tiles) {
  const TRIES = 5, WAIT_MS = 2000, tried = new WeakMap();
  return tiles.on("tileerror", ({ tile }) => {
    const turn = (tried.get(tile) || 0) + 1, { src } = tile;
    tried.set(tile, turn);
    if (turn <= TRIES) setTimeout(() => { if (tile.isConnected) tile.src = src; }, WAIT_MS * turn * (0.75 + Math.random() / 2));
  });
}

// Each tile of the photo is drawn a pixel too large: at zooms between two steps the seams would show.
function photoOf(setup, options) {
  return tilesOf(setup, "mosaic", { maxNativeZoom: setup.zoom.photo, className: "photo", ...options }).on("tileloadstart", ({ tile }) => {
    tile.style.width = tile.style.height = `${parseFloat(tile.style.width) + 1}px`;
  });
}

function boundaryOf(setup, options) {
  if (!setup.boundary.length) return L.layerGroup();
  return L.layerGroup([[5, "#ffffff"], [2, "#14211a"]].map(([weight, color]) => (
    L.polygon(setup.boundary, { weight, color, fill: false, interactive: false, ...options }))));
}

function openStage(stage, setup) {
  const map = openMap(stage, setup);
  if (setup.zoom.photo !== null) photoOf(setup).addTo(map);
  boundaryOf(setup).addTo(map);
  return { map, tiles: (layer, options) => tilesOf(setup, layer, options) };
}
