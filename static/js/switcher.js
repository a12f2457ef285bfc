// The menu of accounts: opened from the name of the account, gone through with the arrow keys.
const dialog = document.querySelector("#switcher");
const input = dialog?.querySelector("input[type=search]");
const buttons = () => [...dialog.querySelectorAll("#switcher-found button")];

document.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
  if (!dialog || !plain || !event.target.closest?.("[data-switcher]")) return;
  event.preventDefault();
  document.querySelector("#nav:popover-open")?.hidePopover();
  dialog.showModal();
  input.value = "";
  input.focus();
  input.dispatchEvent(new Event("suggest"));
});

dialog?.addEventListener("keydown", (event) => {
  const all = buttons();
  const at = all.indexOf(document.activeElement);
  if (event.key === "Enter" && event.target === input) {
    event.preventDefault();
    if (input.value.trim()) all[0]?.click();
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    all[Math.min(at + 1, all.length - 1)]?.focus();
  } else if (event.key === "ArrowUp") {
    event.preventDefault();
    (at > 0 ? all[at - 1] : input).focus();
  }
});

// What is shown once is easily copied whole.
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-select]")) event.target.select();
});
