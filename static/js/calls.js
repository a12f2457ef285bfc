// The calls list: the drawer beside it at wide widths, and moving along it by keys.
import { isTyping } from "./shortcuts.js";

const page = document.querySelector("[data-calls]");
const drawer = document.querySelector("[data-drawer]");
const wide = matchMedia("(min-width: 1101px)");

const links = () => [...page.querySelectorAll(".calls .open")];
const current = () => page.querySelector(".calls tr[aria-current] .open");

function select(link) {
  page.querySelector(".calls tr[aria-current]")?.removeAttribute("aria-current");
  link?.closest("tr").setAttribute("aria-current", "true");
}

// Ticked rows: how many, all of the page at once, and from one to another with shift.
const ticks = () => [...page.querySelectorAll(".tick")];
let lastTick = null;

function showTicked() {
  const all = ticks();
  const ticked = all.filter((tick) => tick.checked).length;
  const bar = page.querySelector("[data-bulk]");
  const whole = page.querySelector("[data-tick-all]");
  if (!bar || !whole) return;
  whole.hidden = false;
  whole.checked = ticked > 0 && ticked === all.length;
  whole.indeterminate = ticked > 0 && ticked < all.length;
  bar.querySelector("[data-ticked]").textContent = String(ticked);
  const every = bar.querySelector("[data-all]");
  if (!every) return;
  every.hidden = !whole.checked;
  if (!whole.checked) every.querySelector("input").checked = false;
}

function onTick(event) {
  const all = ticks();
  const tick = event.target.closest(".tick");
  if (event.target.closest("[data-tick-all]")) for (const each of all) each.checked = event.target.checked;
  else if (tick && event.shiftKey && lastTick?.isConnected) {
    const ends = [all.indexOf(lastTick), all.indexOf(tick)].sort((a, b) => a - b);
    for (const each of all.slice(ends[0], ends[1] + 1)) each.checked = tick.checked;
  }
  lastTick = tick ?? lastTick;
  showTicked();
}

function tickCurrent() {
  const tick = (current() ?? document.activeElement)?.closest("tr")?.querySelector(".tick");
  if (!tick) return;
  tick.checked = !tick.checked;
  lastTick = tick;
  showTicked();
}

function untick() {
  for (const tick of ticks()) tick.checked = false;
  showTicked();
}

let awaited = 0;

async function openDrawer(link) {
  select(link);
  const ticket = ++awaited;
  drawer.hidden = false;
  drawer.setAttribute("aria-busy", "true");
  const response = await fetch(link.dataset.drawerUrl, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (ticket !== awaited) return;
  drawer.removeAttribute("aria-busy");
  if (!response?.ok || response.redirected) {
    location.assign(link.href);
    return;
  }
  drawer.innerHTML = await response.text();
  drawer.scrollTop = 0;
  window.htmx?.process(drawer);
}

function closeDrawer() {
  awaited++;
  drawer.hidden = true;
  drawer.replaceChildren();
  const link = current();
  select(null);
  link?.focus();
}

function move(step) {
  const all = links();
  const from = all.indexOf(current() ?? document.activeElement);
  const link = all[Math.min(all.length - 1, Math.max(0, from === -1 ? 0 : from + step))];
  if (!link) return;
  link.focus({ preventScroll: true });
  link.closest("tr").scrollIntoView({ block: "nearest" });
  select(link);
  if (!drawer.hidden && wide.matches) openDrawer(link);
}

function onClick(event) {
  const link = event.target.closest("a.open");
  if (event.target.closest(".tick, [data-tick-all]")) onTick(event);
  else if (event.target.closest("[data-untick]")) queueMicrotask(untick);
  else if (link && wide.matches && event.detail > 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openDrawer(link);
  } else if (event.target.closest("[data-drawer-close]")) closeDrawer();
  else if (event.target.closest("[data-next]")) move(1);
  else if (event.target.closest("[data-previous]")) move(-1);
  else if (event.target.closest("[data-unset]")) unset(event);
  else if (event.target.closest("[data-more-filters]")) toggleFilters(event.target.closest("[data-more-filters]"));
}

// A filter's cross empties its menu, and the list follows.
function unset(event) {
  event.preventDefault();
  const menu = event.target.closest(".facet").querySelector("details");
  for (const input of menu.querySelectorAll("input:not([data-find])")) {
    if (input.type === "radio") input.checked = input.value === "30d";
    else if (input.type === "checkbox") input.checked = false;
    else input.value = "";
  }
  const form = menu.closest("form");
  menu.querySelector("summary").focus();
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

function toggleFilters(button) {
  const shown = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(shown));
  page.querySelector("[data-filters]").classList.toggle("shows-all", shown);
}

function onKey(event) {
  if (event.key === "Escape" && drawer.contains(event.target) && isTyping(event)) {
    event.target.blur();
    drawer.focus();
    return;
  }
  if (isTyping(event) || event.defaultPrevented) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "x") tickCurrent();
  else if (event.key === "o" && current() && wide.matches) openDrawer(current()).then(() => drawer.focus());
  else if (event.key === "Enter" && event.target === document.body && current()) location.assign(current().href);
  else if (event.key === "Escape" && !drawer.hidden) closeDrawer();
  else if (event.key === " " && event.target.matches("a.open, body") && current() && drawer.hidden && wide.matches) openAndPlay(event);
}

// Space on a row opens the drawer; in an open drawer the player itself listens to space.
async function openAndPlay(event) {
  event.preventDefault();
  await openDrawer(current());
  drawer.querySelector("call-player")?.toggle();
}

// A preset and days chosen by hand exclude each other.
function onPeriod(event) {
  if (event.target.matches("[data-find]")) event.stopPropagation();
  const form = event.target.form;
  if (event.target.matches("[data-preset]")) {
    for (const day of form.querySelectorAll("[data-day]")) day.value = "";
  } else if (event.target.matches("[data-day]")) {
    for (const preset of form.querySelectorAll("[data-preset]")) preset.checked = false;
  }
}

if (page) {
  page.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  page.addEventListener("change", onPeriod, true);
  document.addEventListener("htmx:load", showTicked);
  showTicked();
  // Nothing that is empty stands in the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-filters]")) return;
    const kept = event.detail.parameters;
    for (const name of [...Object.keys(kept)]) if (kept[name] === "" || name.startsWith("find_")) delete kept[name];
  });
}
