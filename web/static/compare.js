// Two dates on one map, with a line between them that can be moved. The earlier date is on the left.
"use strict";

const compare = (() => {
  const MINE = ["now", "zones", "overlayPane", "markerPane"], OTHER = ["then"];

  async function begin(field) {
    const { map } = field, box = document.getElementById("compare"), line = document.getElementById("divider");
    const select = box.querySelector("[data-other]"), ends = new AbortController();
    let share = 0.5, other = null, made = null, turn = 0;

    const option = (id) => [...select.options].find((each) => each.value === id);
    const before = (one, two) => option(one).dataset.flown < option(two).dataset.flown;

    // The date that is on the map already cannot be the other one.
    function offer() {
      [...select.options].forEach((each) => { each.disabled = each.value === field.setup.survey; });
      if (select.selectedOptions[0].disabled) {
        const place = select.selectedIndex;
        select.selectedIndex = place + 1 < select.options.length ? place + 1 : place - 1;
      }
    }

    async function load() {
      const mine = ++turn;
      offer();
      const found = field.read(await field.partOf(select.value));
      if (mine !== turn) return;
      other = found;
      draw();
    }

    function draw() {
      made?.remove();
      made = L.layerGroup().addTo(map);
      if (!other) return;
      const pane = "then", key = field.chosen.layer;
      if (other.zoom.photo !== null) photoOf(other, { pane }).addTo(made);
      if (other.layers[key] === "cells") {
        tilesOf(other, key, { pane, maxNativeZoom: other.zoom.grid, className: "cells", zIndex: 2, opacity: field.chosen.opacity }).addTo(made);
      }
      if (field.chosen.weeds && other.overlays.weeds) tilesOf(other, "plants", { pane, zIndex: 3, className: "plants" }).addTo(made);
      clip();
    }

    function clip() {
      const size = map.getSize(), low = map.containerPointToLayerPoint([0, 0]), high = map.containerPointToLayerPoint(size);
      const at = low.x + share * size.x, first = other && before(select.value, field.setup.survey);
      const cut = (left, right) => `polygon(${left}px ${low.y}px, ${right}px ${low.y}px, ${right}px ${high.y}px, ${left}px ${high.y}px)`;
      const [left, right] = [cut(low.x, at), cut(at, high.x)];
      for (const pane of MINE) map.getPane(pane).style.clipPath = first ? right : left;
      for (const pane of OTHER) map.getPane(pane).style.clipPath = first ? left : right;
      line.style.left = `${100 * share}%`;
      line.style.height = `${size.y}px`;
      line.setAttribute("aria-valuenow", Math.round(100 * share));
      const said = [option(field.setup.survey).textContent, select.selectedOptions[0].textContent];
      if (first) said.reverse();
      line.querySelector(".left-date").textContent = said[0];
      line.querySelector(".right-date").textContent = said[1];
      line.setAttribute("aria-valuetext", `${said[0]} ${Math.round(100 * share)} %, ${said[1]} ${Math.round(100 - 100 * share)} %`);
    }

    function move(to) {
      share = Math.min(1, Math.max(0, to));
      clip();
    }

    const heard = { signal: ends.signal };
    const follow = (event) => {
      const area = map.getContainer().getBoundingClientRect();
      move((event.clientX - area.left) / area.width);
    };
    line.addEventListener("pointerdown", (event) => { line.setPointerCapture(event.pointerId); event.preventDefault(); line.focus(); }, heard);
    line.addEventListener("pointermove", (event) => { if (line.hasPointerCapture(event.pointerId)) follow(event); }, heard);
    line.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: share - 0.02, ArrowDown: share - 0.02, ArrowRight: share + 0.02, ArrowUp: share + 0.02, Home: 0, End: 1, PageDown: share - 0.1, PageUp: share + 0.1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      move(steps[event.key]);
    }, heard);
    select.addEventListener("change", load, heard);
    box.querySelector("[data-done]").addEventListener("click", () => field.leave(), heard);
    map.on("move zoom viewreset resize zoomend", clip).on("layerchosen", draw).on("datechosen", load);
    await load();
    box.hidden = line.hidden = false;
    return {
      end() {
        turn++;
        ends.abort();
        map.off("move zoom viewreset resize zoomend", clip).off("layerchosen", draw).off("datechosen", load);
        made?.remove();
        for (const pane of [...MINE, ...OTHER]) map.getPane(pane).style.clipPath = "";
        box.hidden = line.hidden = true;
      },
    };
  }

  return { begin };
})();
