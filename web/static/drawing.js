// The outline of a field and the direction of its rows, drawn with a finger. Everything can be typed, too.
"use strict";

(() => {
  const stage = document.getElementById("map");
  if (!stage || !window.L) return;
  const setup = JSON.parse(stage.dataset.map), may = "may" in stage.dataset;
  const map = openMap(stage, setup);
  // No corner lies under the buttons of the map: it could not be taken hold of.
  map.fitBounds(L.latLngBounds(setup.bounds), { padding: [64, 24] });
  if (setup.zoom.photo !== null) photoOf(setup).addTo(map);
  const hint = document.getElementById("map-hint"), told = document.getElementById("area");
  const form = document.getElementById("outline"), rowForm = document.getElementById("rows");
  const corners = form?.elements.corners, degrees = rowForm?.elements.degrees;
  const box = document.getElementById("drawn");
  const SIDE = { color: "#c2006b", weight: 4, fillColor: "#ffffff", fillOpacity: 0.12 };
  const EDITING = { snappable: false, allowSelfIntersection: true, preventMarkerRemoval: false };
  let tool = "", dirty = false, line = [];

  for (const each of setup.points) {
    const icon = L.divIcon({ className: "control-marker", html: "<span></span>", iconSize: [28, 28] });
    const name = document.createElement("span");
    name.textContent = each.name;
    L.marker(each.at, { icon, pmIgnore: true, keyboard: false }).bindTooltip(name).addTo(map);
  }
  const renderer = L.svg();
  const edge = L.polygon(setup.boundary, { color: "#ffffff", weight: 8, fill: false, interactive: false, pmIgnore: true, renderer }).addTo(map);
  const shape = L.polygon(setup.boundary, { ...SIDE, renderer }).addTo(map);
  const rows = L.layerGroup().addTo(map);

  // -- what is drawn, in words ----------------------------------------------------------------------

  const ring = () => shape.getLatLngs()[0] || [];
  const write = (value, digits) => value.toLocaleString(`${document.documentElement.lang}-u-nu-latn`, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  function crossed(points) {
    const turn = (a, b, c) => Math.sign((b.lng - a.lng) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lng - a.lng));
    const count = points.length, at = (i) => points[i % count];
    for (let i = 0; i < count; i++) {
      for (let j = i + 2; j < count; j++) {
        if (i === 0 && j === count - 1) continue;
        const [a, b, c, d] = [at(i), at(i + 1), at(j), at(j + 1)];
        if (turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b)) return true;
      }
    }
    return false;
  }

  function put() {
    const points = ring(), { m2, name } = setup.area, large = points.length < 3 ? 0 : measure.area(points) / m2;
    const area = `${write(large, large >= 100 ? 0 : large >= 10 ? 1 : 2)}\u00a0${name}`;
    told.textContent = told.dataset.said.replace("AREA", area).replace("CORNERS", write(points.length, 0));
    edge.setLatLngs(points);
    say();
  }

  function changed() {
    dirty = true;
    if (corners) corners.value = ring().map(({ lat, lng }) => `${lat.toFixed(7)}, ${lng.toFixed(7)}`).join("\n");
    put();
  }

  function say() {
    const points = ring();
    const text = tool === "anew" || tool === "row" ? hint.dataset[tool]
      : points.length < 3 ? hint.dataset.few : crossed(points) ? hint.dataset.crossed : hint.dataset[tool] || "";
    hint.textContent = text;
    hint.hidden = !text;
  }

  function replace(points) {
    quiet();
    shape.setLatLngs([points]);
    changed();
    choose("move");
  }

  // Corners are moved by fingers; whoever has none types them. Nameless buttons would only be in the way.
  new MutationObserver(() => stage.querySelectorAll(".marker-icon[role]").forEach((each) => {
    each.removeAttribute("role");
    each.setAttribute("tabindex", "-1");
    each.setAttribute("aria-hidden", "true");
  })).observe(map.getPane("markerPane"), { childList: true, subtree: true });

  // -- tools ----------------------------------------------------------------------------------------

  const drawing = () => map.pm.globalDrawModeEnabled();

  function quiet() {
    shape.pm.disable();
    if (drawing()) map.pm.disableDraw();
    stage.classList.remove("deleting");
  }

  function choose(wanted) {
    quiet();
    tool = wanted;
    line = [];
    document.querySelectorAll("[data-tool]").forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.tool === wanted)));
    box.hidden = wanted !== "anew" && wanted !== "row";
    box.querySelector("[data-finish]").hidden = wanted === "row";
    if (wanted === "move") shape.pm.enable({ ...EDITING, removeVertexOn: "contextmenu" });
    if (wanted === "delete") {
      stage.classList.add("deleting");
      shape.pm.enable({ ...EDITING, removeVertexOn: "click" });
    }
    if (wanted === "anew") {
      const looks = { color: "#c2006b", weight: 4 };
      map.pm.enableDraw("Polygon", { snappable: false, tooltips: false, continueDrawing: false, templineStyle: looks, hintlineStyle: { ...looks, dashArray: [6, 6] }, pathOptions: SIDE });
    }
    shape.setStyle({ opacity: wanted === "anew" ? 0.35 : 1 });
    say();
  }

  if (may) {
    map.pm.setGlobalOptions({ snappable: false });
    shape.on("pm:change pm:edit pm:vertexremoved pm:vertexadded", changed);
    // Geoman takes a polygon away when too few corners are left: it stays, and the reader is told.
    shape.on("pm:remove remove", () => { if (!map.hasLayer(shape)) setTimeout(() => { shape.addTo(map); changed(); }); });
    map.on("pm:create", (event) => {
      const points = event.layer.getLatLngs()[0];
      event.layer.remove();
      setTimeout(() => replace(points));
    });
    document.querySelectorAll("[data-tool]").forEach((each) => each.addEventListener("click", () => choose(each.dataset.tool)));
    box.querySelector("[data-finish]").addEventListener("click", () => {
      const made = map.pm.Draw.Polygon;
      if ((made._layer?.getLatLngs() || []).length >= 3) made._finishShape();
    });
    box.querySelector("[data-undo]").addEventListener("click", () => {
      if (tool === "row") { line = []; showRows(); return; }
      const made = map.pm.Draw.Polygon, many = (made._layer?.getLatLngs() || []).length;
      if (many > 1) made._removeLastVertex(); else choose("anew");
    });
    box.querySelector("[data-cancel]").addEventListener("click", () => choose("move"));
    form.querySelector("[data-back]").addEventListener("click", () => { replace(setup.boundary); dirty = false; });
    form.querySelector("[data-photos]")?.addEventListener("click", () => replace(setup.photos));
    corners.addEventListener("change", () => {
      const typed = corners.value.split("\n").map((each) => each.trim().split(/[\s,;]+/).map(Number)).filter((each) => each.length === 2 && each.every(Number.isFinite));
      if (typed.length > 2) { quiet(); shape.setLatLngs([typed]); dirty = true; put(); choose("move"); }
    });
    form.addEventListener("submit", () => { dirty = false; });
    addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  }

  // -- the direction of the rows --------------------------------------------------------------------

  function bearing(from, to) {
    const east = (to.lng - from.lng) * Math.cos(from.lat * Math.PI / 180), north = to.lat - from.lat;
    return ((Math.atan2(east, north) * 180 / Math.PI) % 180 + 180) % 180;
  }

  function along(angle, style) {
    const middle = shape.getBounds().getCenter(), bounds = shape.getBounds();
    const squeeze = Math.cos(middle.lat * Math.PI / 180);
    const tall = bounds.getNorth() - bounds.getSouth(), wide = (bounds.getEast() - bounds.getWest()) * squeeze;
    const long = 0.32 * Math.min(Math.hypot(tall, wide), 2 * Math.max(tall, wide)), apart = 0.14 * Math.min(tall, wide);
    const [sin, cos] = [Math.sin(angle * Math.PI / 180), Math.cos(angle * Math.PI / 180)];
    for (const step of [-1, 0, 1]) {
      const ends = [-1, 1].map((end) => [
        middle.lat + end * long * cos - step * apart * sin, middle.lng + (end * long * sin + step * apart * cos) / squeeze]);
      L.polyline(ends, { interactive: false, pmIgnore: true, edge: { color: "#14211a", weight: 7 }, ...style }).addTo(rows);
    }
  }

  function showRows() {
    rows.clearLayers();
    const typed = degrees ? degrees.value : setup.rows.told ?? "";
    if (setup.rows.found !== null) along(setup.rows.found, { color: "#ffe600", weight: 3, dashArray: "8 7" });
    if (typed !== "" && Number.isFinite(Number(typed))) along(Number(typed), { color: "#00e5ff", weight: 4 });
    if (line.length) L.circleMarker(line[0], { radius: 8, color: "#14211a", weight: 3, fillColor: "#00e5ff", fillOpacity: 1, interactive: false, pmIgnore: true }).addTo(rows);
  }

  if (may) {
    map.on("click", (event) => {
      if (tool !== "row") return;
      line.push(event.latlng);
      if (line.length === 2) {
        degrees.value = bearing(...line).toFixed(1);
        choose("move");
        degrees.focus({ preventScroll: true });
        rowForm.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      }
      showRows();
    });
    degrees.addEventListener("input", showRows);
    rowForm.querySelector("[data-draw-row]").addEventListener("click", () => {
      choose("row");
      stage.scrollIntoView({ block: "center" });
    });
  }

  showRows();
  put();
  if (may) choose("move");
  stage.dataset.ready = "1";
})();
