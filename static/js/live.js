// A live part of a page: asked for every second, swapped only where it changed, its clocks ticking in between.
const part = document.querySelector("[data-live]");
const mark = document.querySelector("[data-live-mark]");
const EVERY = 1000;
const PATIENCE = 5000;

let ahead = part ? Date.now() - Number(part.dataset.now) : 0;
let tag = "";
let failedSince = 0;
let timer = 0;
let asking = false;

function shown(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function tick() {
  const now = Date.now() - ahead;
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((now - Number(clock.dataset.since)) / 1000));
    const text = shown(seconds);
    if (clock.textContent !== text) clock.textContent = text;
    if (clock.dataset.late) clock.classList.toggle("is-bad-t", seconds >= Number(clock.dataset.late));
  }
}

// Only what differs is put in; what has the focus keeps it, and a menu that was open stays open.
function swap(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...part.querySelectorAll("details[open][id]")].map((menu) => menu.id);
  for (const next of fresh.content.querySelectorAll("[data-part]")) {
    const last = part.querySelector(`[data-part="${next.dataset.part}"]`);
    if (!last) return part.replaceChildren(fresh.content);
    const source = next.outerHTML;
    if (last.source === source) continue;
    next.source = source;
    last.replaceWith(next);
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  tick();
}

function say(isLive) {
  mark.toggleAttribute("data-off", !isLive);
  const word = mark.querySelector("[data-live-word]");
  const text = isLive ? "Live" : "Not live";
  if (word.textContent !== text) word.textContent = text;
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    const response = await fetch(part.dataset.live, {
      cache: "no-store",
      headers: tag ? { "If-None-Match": tag } : {},
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status === 401 || response.status === 404) return location.reload();
    if (!response.ok && response.status !== 304) throw new Error(String(response.status));
    ahead = Date.now() - Number(response.headers.get("Server-Time"));
    failedSince = 0;
    if (response.status === 200) {
      tag = response.headers.get("ETag");
      swap(await response.text());
    }
    say(part.querySelector("[data-is-live]").dataset.isLive === "yes");
  } catch {
    failedSince ||= Date.now();
    if (Date.now() - failedSince > PATIENCE) say(false);
  } finally {
    asking = false;
  }
}

function start() {
  clearInterval(timer);
  if (document.hidden) return;
  timer = setInterval(ask, EVERY);
  ask();
}

if (part) {
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", start);
  start();
}
