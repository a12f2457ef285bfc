// Comments: the time beside a new one follows the player until somebody writes; pins lead to comments.
import { clock } from "./clock.js";
import { isTyping } from "./shortcuts.js";

const form = () => document.querySelector("[data-comment-form]");
const player = () => document.querySelector("main call-player");

function pin(ms) {
  const found = form();
  if (found && !found.elements.text.value && document.activeElement !== found.elements.at) {
    found.elements.at.value = clock(ms);
  }
}

function show(key) {
  for (const shown of document.querySelectorAll(".comment[aria-current]")) shown.removeAttribute("aria-current");
  document.getElementById(`comment-${key}`)?.setAttribute("aria-current", "true");
}

// To the pin before or after where the player is.
function step(direction) {
  const pins = [...document.querySelectorAll("#pins-row [data-comment]")];
  const now = player()?.now ?? 0;
  const ahead = pins.filter((each) => direction * (Number(each.dataset.seek) - now) > 500);
  const next = direction > 0 ? ahead[0] : ahead.at(-1);
  if (!next) return;
  player()?.seek(Number(next.dataset.seek));
  show(next.dataset.comment);
}

document.addEventListener("player-moved", (event) => pin(event.detail));

document.addEventListener("click", (event) => {
  const pinned = event.target.closest?.("[data-comment]");
  if (pinned) show(pinned.dataset.comment);
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches?.(".comment-form textarea") && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.form.requestSubmit();
  } else if (event.target.matches?.(".comment-form textarea, .comment-at") && event.key === "Escape") {
    event.target.blur();
  } else if (isTyping(event)) {
    return;
  } else if (event.key === "c" && form()) {
    event.preventDefault();
    if (player()) pin(player().now);
    form().elements.text.focus();
  } else if (event.key === "," || event.key === ".") {
    step(event.key === "." ? 1 : -1);
  }
});

// What was refused or got lost on the way stays in the form.
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, (event) => {
    const failed = event.target.querySelector?.("[data-comment-failed]");
    if (failed) failed.hidden = false;
  });
}

// Keys go on working after a comment was kept: the list has the focus, not a form that is gone.
document.addEventListener("htmx:afterSwap", (event) => {
  const card = document.querySelector("[data-comments]");
  if (event.target.id !== "comments" || !card) return;
  const wrong = card.querySelector("textarea[aria-invalid]");
  (wrong ?? card.querySelector("h2")).focus();
});
