// Who tells doses in another measure sees the same amounts in it. Without this, a number is taken in the measure beside it.
"use strict";

(() => {
  const form = document.querySelector("form[data-area-ha]");
  if (!form) return;
  const HECTARE = "hectare", area = Number(form.dataset.areaHa), at = (name) => form.elements[name];
  // What stands there is rounded. As long as nobody types, the number behind it counts, or each turn would add to the error.
  const behind = new Map();
  const keep = (input, value) => behind.set(input, { text: input.value, value });
  form.querySelectorAll("[data-exact]").forEach((input) => keep(input, Number(input.dataset.exact)));
  function read(input) {
    const kept = behind.get(input);
    return kept?.text === input.value ? kept.value : Number(input.value.replace(",", ".")) || 0;
  }
  function write(input, value) {
    if (!Number.isFinite(value)) return;
    input.value = Number(value.toPrecision(6));
    keep(input, value);
  }
  const tank = () => read(at("tank_l"));
  // What one of a measure is in litres to the hectare.
  const WATER = { hectare: () => 1, area: () => 1 / area, pumps: () => tank() / area };
  const DOSE = { hectare: () => 1, area: () => 1 / 1000 / area, pump: () => water() / tank() / 1000 };
  const water = () => read(at("water")) * WATER[at("water_by").value]();

  function turn(select, inputs, measures) {
    let before = select.value;
    select.addEventListener("change", () => {
      const factor = measures[before]() / measures[select.value]();
      inputs.filter((input) => input.value.trim()).forEach((input) => write(input, read(input) * factor));
      before = select.value;
    });
  }

  turn(at("water_by"), [at("water")], WATER);
  turn(at("dose_by"), [...form.querySelectorAll("input[name^=dose]")], DOSE);
})();
