// Keys that work on every page, and the sheet that lists them.
const sheet = document.querySelector("#shortcuts");

export function isTyping(event) {
  return event.ctrlKey || event.metaKey || event.altKey
    || event.target.matches("input:not([type=range], [type=checkbox], [type=radio]), select, textarea, [contenteditable]")
    || sheet?.open;
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-shortcuts]")) sheet.showModal();
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  if (event.key === "?" && sheet) {
    event.preventDefault();
    sheet.showModal();
  } else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  }
});
