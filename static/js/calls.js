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
  if (link && wide.matches && event.detail > 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openDrawer(link);
  } else if (event.target.closest("[data-drawer-close]")) closeDrawer();
  else if (event.target.closest("[data-next]")) move(1);
  else if (event.target.closest("[data-previous]")) move(-1);
  else if (event.target.closest("[data-more-filters]")) toggleFilters(event.target.closest("[data-more-filters]"));
}

function toggleFilters(button) {
  const shown = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(shown));
  page.querySelector("[data-filters]").classList.toggle("shows-all", shown);
}

function onKey(event) {
  if (isTyping(event)) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "o" && current()) openDrawer(current());
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
  // Nothing that is empty stands in the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-filters]")) return;
    const kept = event.detail.parameters;
    for (const name of [...Object.keys(kept)]) if (kept[name] === "") delete kept[name];
  });
}
