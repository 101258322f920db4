// The photos behind a place: looked at from near and far, one after the other. The page can be read without this.
"use strict";

const evidence = (() => {
  function begin(root, { showAt } = {}) {
    root.querySelectorAll("[data-needs-script]").forEach((each) => { each.hidden = false; });
    root.querySelectorAll("[data-viewer]").forEach(look);
    copy(root);
    strip(root);
    if (showAt) {
      root.querySelectorAll("[data-show-at]").forEach((link) => link.addEventListener("click", (event) => {
        event.preventDefault();
        showAt(link.dataset.showAt.split(",").map(Number));
      }));
    }
    root.querySelectorAll("[data-views]").forEach((part) => fetchViews(part));
  }

  async function fetchViews(part) {
    try {
      const answer = await ask(part.dataset.views);
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      part.innerHTML = await answer.text();
      part.querySelectorAll("[data-needs-script]").forEach((each) => { each.hidden = false; });
      part.querySelectorAll("[data-viewer]").forEach(look);
      strip(part);
    } catch {
      part.replaceChildren();
    }
  }

  // Another photo of the same place, in the same frame.
  function strip(root) {
    root.querySelectorAll("[data-view]").forEach((link) => link.addEventListener("click", (event) => {
      const frame = link.closest(".inside, .evidence")?.querySelector("[data-viewer]");
      if (!frame || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      link.closest(".strip").querySelectorAll("[aria-current]").forEach((each) => each.removeAttribute("aria-current"));
      link.setAttribute("aria-current", "true");
      for (const name of ["crop", "x", "y", "width", "height"]) frame.dataset[name] = link.dataset[name];
      frame.querySelector("a.shot").href = link.dataset.whole;
      frame.dispatchEvent(new Event("another"));
      frame.scrollIntoView({ block: "nearest" });
    }));
  }

  function copy(root) {
    const button = root.querySelector("[data-copy]"), from = root.querySelector("[data-copy-from]");
    if (!button || !from) return;
    button.addEventListener("click", async () => {
      from.select();
      if (await copied(from.value)) button.textContent = button.dataset.done;
    });
  }

  // Over plain Wi-Fi browsers keep the clipboard's own interface back, and somebody may have forbidden it: then what is
  // selected is copied as in old times. Where that fails too it stays selected, and nobody is told that it was copied.
  async function copied(text) {
    if (navigator.clipboard && isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch (error) {
        if (error.name !== "NotAllowedError") throw error;
      }
    }
    return document.execCommand("copy");
  }

  // A window of the photo that can be moved and made larger or smaller; the box cuts it anew each time.
  function look(frame) {
    const image = frame.querySelector("img"), shown = Number(frame.dataset.shown), link = frame.querySelector("a.shot");
    const steps = frame.dataset.spans.split(",").map(Number);
    const fingers = new Map();
    let view, seen, moved = null;  // What is wished to be seen, and what of it the photo has.

    const number = (name) => Number(frame.dataset[name]);
    const most = () => Math.max(number("width"), number("height")) || steps.at(-1);

    function start() {
      view = { x: number("x"), y: number("y"), span: Number(frame.dataset.span) };
      put();
    }

    function clamp(value, side, length) {
      const half = Math.min(side, length || Infinity) / 2;
      return length ? Math.min(length - half, Math.max(half, value)) : value;
    }

    function put() {
      view.span = Math.min(Math.max(view.span, steps[0]), most());
      seen = { x: clamp(view.x, view.span, number("width")), y: clamp(view.y, view.span, number("height")) };
      const wanted = new URLSearchParams({
        x: Math.round(seen.x), y: Math.round(seen.y), size: Math.round(view.span), shown, mark_x: number("x"), mark_y: number("y"),
      });
      const address = `${frame.dataset.crop}&${wanted}`;
      image.onload = () => { image.style.transform = ""; };
      if (image.getAttribute("src") !== address) image.src = address; else image.style.transform = "";
      closer?.toggleAttribute("aria-disabled", view.span <= steps[0]);
      wider?.toggleAttribute("aria-disabled", view.span >= most());
    }

    const scale = () => Math.min(view.span, most()) / image.clientWidth;
    function zoom(by) { view.span *= by; put(); }

    const closer = frame.querySelector("[data-closer]"), wider = frame.querySelector("[data-wider]");
    for (const [button, by] of [[closer, 0.5], [wider, 2]]) {
      button?.addEventListener("click", (event) => { event.preventDefault(); zoom(by); });
    }
    frame.querySelector("[data-centre]")?.addEventListener("click", start);
    link.addEventListener("click", (event) => { if (!event.ctrlKey && !event.metaKey) event.preventDefault(); });
    link.addEventListener("dblclick", () => zoom(0.5));
    link.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 0.7 : 1 / 0.7); }, { passive: false });
    link.addEventListener("keydown", (event) => {
      const step = view.span / 4;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (moves[event.key]) { view.x = seen.x + moves[event.key][0]; view.y = seen.y + moves[event.key][1]; put(); }
      else if (event.key === "+" || event.key === "=") zoom(0.5);
      else if (event.key === "-") zoom(2);
      else return;
      event.preventDefault();
    });

    const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
    const middle = () => [...fingers.values()].reduce((sum, each, _, all) => ({ x: sum.x + each.x / all.length, y: sum.y + each.y / all.length }), { x: 0, y: 0 });
    const begin = () => { moved = { from: middle(), apart: fingers.size === 2 ? spread() : 0 }; };

    link.addEventListener("dragstart", (event) => event.preventDefault());
    link.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      link.setPointerCapture(event.pointerId);
      begin();
    });
    link.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId) || !moved) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const now = middle(), by = moved.apart ? spread() / moved.apart : 1;
      image.style.transform = `translate(${now.x - moved.from.x}px, ${now.y - moved.from.y}px) scale(${by})`;
    });
    const end = (event) => {
      if (!fingers.has(event.pointerId) || !moved) return;
      const now = middle(), by = moved.apart && fingers.size === 2 ? spread() / moved.apart : 1;
      const [x, y] = [now.x - moved.from.x, now.y - moved.from.y];
      if (x || y) view = { ...view, x: seen.x - x * scale(), y: seen.y - y * scale() };
      view.span /= by;
      fingers.delete(event.pointerId);
      moved = null;
      fingers.clear();
      put();
    };
    link.addEventListener("pointerup", end);
    link.addEventListener("pointercancel", end);
    frame.addEventListener("another", start);
    view = { x: number("x"), y: number("y"), span: Number(frame.dataset.span) };
    seen = { x: clamp(view.x, view.span, number("width")), y: clamp(view.y, view.span, number("height")) };
  }

  return { begin };
})();

document.querySelectorAll("main .evidence").forEach((each) => evidence.begin(each));
