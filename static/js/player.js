// The player: stored peaks drawn by wavesurfer, sound from an <audio> element that asks for ranges.
// One clock: everything shown counts from the call's first second; only the audio counts from its own.
import WaveSurfer from "../vendor/wavesurfer/wavesurfer.esm.js";
import { isTyping } from "./shortcuts.js";

const LANE_HEIGHT = 44;
const KEY_STEP = 5000;
const SKIP_STEP = 10000;
const TELL_EVERY = 5000;

export function clock(ms) {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  const [minutes, rest] = parts;
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

function spoken(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} minutes ${seconds % 60} seconds`;
}

// Canvas knows no light-dark() and no variables: the browser works the colour out on an element.
function inks(host) {
  const probe = document.createElement("span");
  host.append(probe);
  const ink = {};
  for (const name of ["caller", "caller-ahead", "agent", "agent-ahead"]) {
    probe.className = `ink-${name}`;
    ink[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return ink;
}

// What was played, told to the portal every few seconds and when the page goes: from-to in the file's milliseconds.
class Listening {
  constructor(url) {
    this.url = url;
    this.session = crypto.getRandomValues(new Uint8Array(16)).reduce((hex, byte) => hex + byte.toString(16).padStart(2, "0"), "");
    this.spans = [];
    this.from = null;
    this.told = Date.now();
  }

  heard(ms) {
    if (this.from === null) this.from = ms;
    this.at = ms;
    if (Date.now() - this.told > TELL_EVERY) { this.close(); this.from = ms; this.tell(); }
  }

  close() {
    if (this.from !== null && this.at > this.from) this.spans.push(`${Math.floor(this.from)}-${Math.ceil(this.at)}`);
    this.from = null;
  }

  tell() {
    this.told = Date.now();
    const token = document.querySelector("[name=csrfmiddlewaretoken]");
    if (!token) return;
    while (this.spans.length) {
      const body = new FormData();
      body.set("session", this.session);
      body.set("spans", this.spans.splice(0, 50).join(","));
      body.set("csrfmiddlewaretoken", token.value);
      navigator.sendBeacon(this.url, body);
    }
  }
}

class CallPlayer extends HTMLElement {
  connectedCallback() {
    this.find = (name) => this.querySelector(`[data-${name}]`);
    this.audio = this.find("audio");
    this.offset = Number(this.dataset.offset);
    this.length = Number(this.dataset.length);
    this.total = Number(this.dataset.total);
    this.left = new AbortController();
    this.listening = new Listening(this.dataset.listening);
    this.audio.controls = false;
    this.find("transport").hidden = false;
    this.find("total").textContent = clock(this.total);
    this.listen();
    this.show();
    this.draw();
    const asked = /^#t=(\d+)$/.exec(location.hash);
    if (asked) this.seek(Number(asked[1]));
  }

  disconnectedCallback() {
    this.left.abort();
    this.stopListening();
    this.audio.pause();
    this.wave?.destroy();
    this.audio.removeAttribute("src");
  }

  listen() {
    const on = (target, name, act) => target.addEventListener(name, act, { signal: this.left.signal });
    on(this.audio, "timeupdate", () => { this.show(); this.hear(); });
    on(this.audio, "seeking", () => { this.listening.close(); this.show(); });
    on(this.audio, "pause", () => this.stopListening());
    on(window, "pagehide", () => this.stopListening());
    on(this.audio, "play", () => this.showPlaying());
    on(this.audio, "pause", () => this.showPlaying());
    on(this.audio, "playing", () => { this.find("failed").hidden = true; });
    on(this.audio, "error", () => { if (this.audio.error) this.find("failed").hidden = false; });
    on(this.find("retry"), "click", () => this.retry());
    on(this.find("play"), "click", () => this.toggle());
    on(this.find("position"), "input", (event) => this.seek(Number(event.target.value)));
    on(this.find("speed"), "change", (event) => { this.audio.playbackRate = Number(event.target.value); });
    for (const button of this.querySelectorAll("[data-skip]")) {
      on(button, "click", () => this.seek(this.now + Number(button.dataset.skip)));
    }
    on(this.closest("main") ?? this, "click", (event) => this.followLink(event));
    on(document, "keydown", (event) => this.onKey(event));
    on(document, "theme-changed", () => this.recolour());
  }

  hear() {
    if (!this.audio.paused && !this.audio.seeking) this.listening.heard(this.audio.currentTime * 1000);
  }

  stopListening() {
    this.hear();
    this.listening.close();
    this.listening.tell();
  }

  get now() {
    return this.offset + this.audio.currentTime * 1000;
  }

  toggle() {
    if (this.audio.paused) this.audio.play().catch(() => { /* the error event tells */ });
    else this.audio.pause();
  }

  seek(ms) {
    const inFile = Math.min(this.length, Math.max(0, ms - this.offset));
    this.audio.currentTime = inFile / 1000;
    this.show(this.offset + inFile);
  }

  retry() {
    const place = this.now;
    this.find("failed").hidden = true;
    this.audio.load();
    this.seek(place);
    this.toggle();
  }

  followLink(event) {
    const link = event.target.closest("[data-seek]");
    if (!link) return;
    event.preventDefault();
    this.seek(Number(link.dataset.seek));
  }

  onKey(event) {
    if (isTyping(event)) return;
    const onSlider = event.target === this.find("position");
    const steps = { "[": -SKIP_STEP, "]": SKIP_STEP };
    if (onSlider) Object.assign(steps, { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP, ArrowDown: -KEY_STEP, ArrowUp: KEY_STEP });
    if (event.key in steps) this.seek(this.now + steps[event.key]);
    else if (event.key === " " && (onSlider || event.target.matches("body, a.open, main, .results"))) this.toggle();
    else if (event.key === "+" || event.key === "-") this.changeSpeed(event.key === "+" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  changeSpeed(step) {
    const speed = this.find("speed");
    speed.selectedIndex = Math.min(speed.options.length - 1, Math.max(0, speed.selectedIndex + step));
    this.audio.playbackRate = Number(speed.value);
  }

  show(now = this.now) {
    const x = `${Math.min(100, (100 * now) / this.total)}%`;
    this.find("head").setAttribute("x1", x);
    this.find("head").setAttribute("x2", x);
    this.find("head-knob").setAttribute("cx", x);
    this.find("now").textContent = clock(now);
    const position = this.find("position");
    position.value = String(now);
    position.setAttribute("aria-valuetext", `${spoken(now)} of ${spoken(this.total)}`);
  }

  showPlaying() {
    this.find("play").setAttribute("aria-label", this.audio.paused ? "Play" : "Pause");
    this.find("play-icon").setAttribute("href", this.audio.paused ? "#i-play" : "#i-pause");
  }

  async draw() {
    const response = await fetch(this.dataset.peaks).catch(() => null);
    if (!response?.ok || this.left.signal.aborted) return;
    const peaks = await response.json();
    if (this.left.signal.aborted) return;
    const box = this.find("wave");
    box.style.marginLeft = `${(100 * this.offset) / this.total}%`;
    box.style.width = `${(100 * this.length) / this.total}%`;
    this.lanes = peaks.channels.length;
    this.wave = WaveSurfer.create({
      container: box,
      media: this.audio,
      peaks: peaks.channels.map((channel) => channel.map((value) => value / peaks.maximum)),
      duration: this.length / 1000,
      height: this.lanes > 1 ? LANE_HEIGHT : 2 * LANE_HEIGHT,
      barWidth: 2,
      barGap: 1,
      barMinHeight: 1,
      cursorWidth: 0,
      interact: false,
      normalize: false,
      hideScrollbar: true,
      cspNonce: document.querySelector("meta[name=csp-nonce]").nonce,
      ...this.colours(),
    });
    this.wave.on("redrawcomplete", () => this.setAttribute("data-drawn", ""));
  }

  colours() {
    const ink = inks(this);
    const lane = (name) => ({ waveColor: ink[`${name}-ahead`], progressColor: ink[name] });
    const voices = this.dataset.voices.split(" ");
    if (this.lanes < 2) return lane(voices[0]);
    const lanes = Array.from({ length: this.lanes }, (_, index) => voices[index] ?? "agent");
    return { ...lane("agent"), splitChannels: lanes.map((name) => ({ ...lane(name), height: LANE_HEIGHT })) };
  }

  recolour() {
    this.wave?.setOptions(this.colours());
  }
}

customElements.define("call-player", CallPlayer);
