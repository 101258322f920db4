// Control points: the place of the phone, and taps in photos. Both can be typed instead.
"use strict";

(() => {
  const form = document.getElementById("new-point"), button = document.querySelector("[data-gps]");
  if (!form || !button) return;
  const told = document.getElementById("gps");
  const say = (text) => { told.textContent = text; told.hidden = false; };

  button.addEventListener("click", () => {
    if (!isSecureContext || !navigator.geolocation) { say(told.dataset.plain); return; }
    say(told.dataset.asking);
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      const { lat, lon, height, error } = form.elements;
      lat.value = coords.latitude.toFixed(8);
      lon.value = coords.longitude.toFixed(8);
      error.value = coords.accuracy.toFixed(2);
      if (coords.altitude !== null) height.value = coords.altitude.toFixed(1);
      say(told.dataset.told.replace("ERROR", coords.accuracy.toLocaleString(`${document.documentElement.lang}-u-nu-latn`, { maximumFractionDigits: 1 })));
    }, () => say(told.dataset.refused), { enableHighAccuracy: true, timeout: 30000, maximumAge: 0 });
  });
})();

(() => {
  const frame = document.querySelector("[data-marking]"), form = document.getElementById("mark");
  if (!frame) return;
  const [expected, pin] = frame.querySelectorAll(".pin");
  const { left, top, width, height } = Object.fromEntries(["left", "top", "width", "height"].map((name) => [name, Number(frame.dataset[name])]));

  function put(which, x, y) {
    which.hidden = !(x >= 0 && x <= 100 && y >= 0 && y <= 100);
    which.style.left = `${x}%`;
    which.style.top = `${y}%`;
  }

  for (const each of [expected, pin]) if (each.dataset.x) put(each, Number(each.dataset.x), Number(each.dataset.y));
  if (!form) return;
  const { x, y } = form.elements;

  function typed() {
    if (x.value && y.value) put(pin, 100 * (Number(x.value) + 0.5 - left) / width, 100 * (Number(y.value) + 0.5 - top) / height);
  }

  frame.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    x.value = (left + (event.clientX - box.left) / box.width * width - 0.5).toFixed(1);
    y.value = (top + (event.clientY - box.top) / box.height * height - 0.5).toFixed(1);
    typed();
  });
  x.addEventListener("input", typed);
  y.addEventListener("input", typed);
})();
