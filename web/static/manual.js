"use strict";
// The page of the API: what an address leads to is opened, and operations are found by words. Without it all of them stand there, closed.

(() => {
  const all = [...document.querySelectorAll("details.operation[data-words]")];
  const subjects = [...document.querySelectorAll("#operations details.subject")];
  const find = document.querySelector("[data-find]");

  function openWhatIsMeant() {
    const meant = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!meant) return;
    for (let at = meant; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    (meant.closest("details") || meant).scrollIntoView();
  }

  function search(field, found) {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of all) {
      const told = one.dataset.words.toLowerCase();
      const fits = words.every((word) => told.includes(word));
      one.hidden = !fits;
      if (fits) count += 1;
    }
    for (const subject of subjects) {
      const some = subject.querySelector("details.operation:not([hidden])");
      subject.hidden = !some;
      subject.open = Boolean(some) && words.length > 0;
    }
    const told = found.dataset;
    found.textContent = !words.length ? told.all : count ? told.some.replace("COUNT", count) : told.none;
  }

  window.addEventListener("hashchange", openWhatIsMeant);
  openWhatIsMeant();
  if (!find) return;
  const field = find.querySelector("input");
  const found = find.querySelector("[role=status]");
  find.hidden = false;
  field.addEventListener("input", () => search(field, found));
  search(field, found);
  openWhatIsMeant();
})();
