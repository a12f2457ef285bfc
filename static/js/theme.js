// Runs before the page is painted, so that a chosen theme does not flash the other one first.
{
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage is switched off: the system decides */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
