// Copying what is to be passed on. Over plain HTTP browsers give no page the clipboard but by a selection.
"use strict";

document.querySelectorAll("[data-copied]").forEach((text) => {
  text.addEventListener("focus", () => text.select());
});
document.querySelectorAll("[data-copy]").forEach((button) => {
  button.addEventListener("click", () => {
    button.closest("section").querySelector("[data-copied]").select();
    if (document.execCommand("copy")) button.textContent = button.dataset.done;
  });
});
