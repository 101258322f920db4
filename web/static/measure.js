// Lengths and areas on the map, with a finger or with the keys.
"use strict";

const measure = (() => {
  // WGS 84. Over a field the ellipsoid is a plane whose scales are its radii in the middle: good to a few parts in a million.
  const EQUATOR_M = 6378137, ECCENTRICITY2 = 0.00669437999014, RAD = Math.PI / 180;

  function flat(points) {
    const middle = points.reduce((sum, each) => sum + each.lat, 0) / points.length * RAD;
    const bent = 1 - ECCENTRICITY2 * Math.sin(middle) ** 2;
    const across = EQUATOR_M / Math.sqrt(bent) * Math.cos(middle), along = EQUATOR_M * (1 - ECCENTRICITY2) / bent ** 1.5;
    return points.map(({ lat, lng }) => [(lng - points[0].lng) * RAD * across, (lat - points[0].lat) * RAD * along]);
  }

  function length(points, closed) {
    const places = flat(points), ends = closed ? [...places, places[0]] : places;
    return ends.slice(1).reduce((sum, [x, y], i) => sum + Math.hypot(x - ends[i][0], y - ends[i][1]), 0);
  }

  function area(points) {
    const places = flat(points);
    return Math.abs(places.reduce((sum, [x, y], i) => {
      const [nextX, nextY] = places[(i + 1) % places.length];
      return sum + x * nextY - nextX * y;
    }, 0)) / 2;
  }

  const write = (value, digits) => value.toLocaleString(`${document.documentElement.lang}-u-nu-latn`, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  function begin(field) {
    const { map } = field, box = document.getElementById("measure"), told = box.querySelector("[data-measured]");
    const cross = document.createElement("div");
    cross.className = "cross";
    cross.setAttribute("aria-hidden", "true");
    map.getContainer().append(cross);
    const drawn = L.layerGroup().addTo(map), ends = new AbortController();
    let points = [];

    function put() {
      drawn.clearLayers();
      const edge = { color: "#14211a", weight: 6 }, line = { color: "#ffffff", weight: 3, edge, interactive: false };
      if (points.length > 2) L.polygon(points, { ...line, fillColor: "#ffffff", fillOpacity: 0.2 }).addTo(drawn);
      else if (points.length === 2) L.polyline(points, line).addTo(drawn);
      points.forEach((each) => L.circleMarker(each, { radius: 5, weight: 2, color: "#14211a", fillColor: "#ffffff", fillOpacity: 1, interactive: false }).addTo(drawn));
      told.textContent = words();
    }

    function words() {
      if (points.length < 2) return told.dataset.nothing;
      const long = length(points, points.length > 2), metres = write(long, long < 100 ? 1 : 0);
      if (points.length === 2) return told.dataset.line.replace("LENGTH", metres);
      const square = area(points), { m2, name } = field.setup.area, large = square / m2;
      const said = `${write(square, square < 100 ? 1 : 0)}\u00a0${field.setup.words.squareMetre} (${write(large, large < 1 ? 3 : 2)}\u00a0${name})`;
      return told.dataset.face.replace("LENGTH", metres).replace("AREA", said);
    }

    const add = (at) => { points.push(at); put(); };
    const on = (name, what) => box.querySelector(`[data-${name}]`).addEventListener("click", what, { signal: ends.signal });
    on("add", () => add(map.getCenter()));
    on("undo", () => { points.pop(); put(); });
    on("clear", () => { points = []; put(); });
    on("done", () => field.leave());
    map.getContainer().addEventListener("keydown", (event) => {
      if (event.target !== map.getContainer()) return;
      if (event.key === "Enter") add(map.getCenter());
      else if (event.key === "Backspace") { points.pop(); put(); }
      else if (event.key === "Escape") field.leave();
    }, { signal: ends.signal });
    box.hidden = false;
    put();
    return {
      tap: add,
      end() {
        ends.abort();
        drawn.remove();
        cross.remove();
        box.hidden = true;
      },
    };
  }

  return { begin, length, area };
})();
