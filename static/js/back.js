// "Back to the list" leads to the list as it was filtered, when one came from there.
const link = document.querySelector("[data-back]");
if (link && document.referrer) {
  const from = new URL(document.referrer);
  if (from.origin === location.origin && from.pathname === link.pathname) link.href = from.href;
}
