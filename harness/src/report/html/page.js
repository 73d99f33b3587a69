"use strict";
(() => {
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll("#scenarios tbody tr")];
  const links = rows.map((row) => row.querySelector("a"));
  const [filter, failures, theme, shown] = ["filter", "failures", "theme", "shown"].map(find);
  root.classList.add("js");

  // One scenario is shown at a time; the address says which, so that it can be passed on.
  const target = (link) => find(decodeURIComponent(link.hash.slice(1)));
  const picked = () => rows.findIndex((row) => "picked" in row.dataset);
  function pick(index) {
    const before = picked();
    if (before >= 0) {
      delete rows[before].dataset.picked;
      links[before].removeAttribute("aria-current");
      delete target(links[before]).dataset.picked;
    }
    rows[index].dataset.picked = "";
    links[index].setAttribute("aria-current", "true");
    target(links[index]).dataset.picked = "";
    if (before !== index) find("details").scrollTop = 0;
  }
  function follow() {
    const index = links.findIndex((link) => link.hash === location.hash);
    if (index < 0) return;
    pick(index);
    // The list alone is scrolled: the page goes to the scenario.
    const [list, row] = [find("list"), rows[index]].map((element) => element.getBoundingClientRect());
    if (row.top < list.top || row.bottom > list.bottom) find("list").scrollTop += row.top - list.top - list.height / 2;
  }
  function move(by) {
    const open = rows.map((row, index) => index).filter((index) => !rows[index].hidden);
    if (!open.length) return;
    const at = open.indexOf(picked());
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), open.length - 1);
    const index = open[next];
    pick(index);
    links[index].focus({ preventScroll: true });
    links[index].scrollIntoView({ block: "nearest" });
    try { history.replaceState(null, "", links[index].hash); } catch { /* a page from a file may not */ }
  }

  function sift() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const only = failures.getAttribute("aria-pressed") === "true";
    let count = 0;
    for (const row of rows) {
      const fits = words.every((word) => row.dataset.text.includes(word));
      row.hidden = !fits || (only && !row.classList.contains("failed"));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count === rows.length ? `${count} scenarios` : `${count} of ${rows.length} scenarios`;
    const at = picked();
    if (at >= 0 && rows[at].hidden && count) pick(rows.findIndex((row) => !row.hidden));
  }
  function press(on) {
    if (failures.disabled) return;
    failures.setAttribute("aria-pressed", String(on));
    sift();
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  function turn() {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("scenario-report-theme", root.dataset.theme); } catch { /* then not */ }
    name();
  }
  try {
    const kept = localStorage.getItem("scenario-report-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* then as the system has it */ }
  dark.addEventListener("change", name);
  theme.hidden = false;
  name();

  theme.addEventListener("click", turn);
  failures.addEventListener("click", () => press(failures.getAttribute("aria-pressed") !== "true"));
  filter.addEventListener("input", sift);
  addEventListener("hashchange", follow);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target === filter;
    if (event.key === "Escape") {
      filter.value = "";
      press(false);
      sift();
      filter.blur();
    } else if (typing && (event.key === "Enter" || event.key === "ArrowDown")) {
      filter.blur();
      move(0);
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      filter.focus();
      filter.select();
    } else if (event.key === "f") {
      press(failures.getAttribute("aria-pressed") !== "true");
    } else if (event.key === "t") {
      turn();
    } else if (event.key === "j" || (event.key === "ArrowDown" && inList(event))) {
      move(1);
    } else if (event.key === "k" || (event.key === "ArrowUp" && inList(event))) {
      move(-1);
    } else {
      return;
    }
    event.preventDefault();
  });
  // Elsewhere arrows scroll.
  const inList = (event) => event.target === document.body || links.includes(event.target);

  follow();
  if (picked() < 0 && rows.length) pick(0);
})();
