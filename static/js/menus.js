// Menus made of <details>: one open at a time, closed by Escape and by a click elsewhere.
const openMenus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

// A menu near the right edge opens to the left.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("details.menu") || !menu.open) return;
  const list = menu.querySelector(".pop");
  list.classList.remove("is-right");
  list.classList.toggle("is-right", list.getBoundingClientRect().right > document.documentElement.clientWidth - 8);
}, true);
