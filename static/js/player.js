// The player: stored peaks drawn as a waveform, sound from an <audio> element that asks for ranges.
// One clock: everything shown counts from the call's first second; only the audio counts from its own.
import { clock, spoken } from "./clock.js";
import { Listening } from "./listening.js";
import { Loop, onShiftDrag } from "./loop.js";
import { isTyping } from "./shortcuts.js";
import { Silence } from "./silence.js";
import { colours, drawWave } from "./wave.js";

const KEY_STEP = 5000;
const SKIP_STEP = 10000;
const LOOK_EVERY = 50;
const ACTS_ON_SPACE = "a:not(.open), button, input:not([type=range]), select, textarea, summary";

class CallPlayer extends HTMLElement {
  connectedCallback() {
    this.find = (name) => this.querySelector(`[data-${name}]`);
    this.audio = this.find("audio");
    this.offset = Number(this.dataset.offset);
    this.length = Number(this.dataset.length);
    this.total = Number(this.dataset.total);
    this.left = new AbortController();
    this.listening = new Listening(this.dataset.listening);
    this.loop = new Loop(this.find("loop"), this.find("loop-label"), this.find("loop-span"), this.total);
    this.silence = new Silence(this.find("silence"));
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
    clearInterval(this.looking);
    this.stopListening();
    this.audio.pause();
    this.wave?.destroy();
    this.audio.removeAttribute("src");
  }

  on(target, name, act) {
    target.addEventListener(name, act, { signal: this.left.signal });
  }

  listen() {
    this.listenToAudio();
    this.on(window, "pagehide", () => this.stopListening());
    this.on(this.find("retry"), "click", () => this.retry());
    this.on(this.find("play"), "click", () => this.toggle());
    this.on(this.find("position"), "input", (event) => this.seek(Number(event.target.value)));
    this.on(this.find("speed"), "change", (event) => { this.audio.playbackRate = Number(event.target.value); });
    this.on(this.find("loop"), "click", () => this.loop.step(this.now));
    this.on(this.find("silence"), "click", () => this.silence.toggle());
    onShiftDrag(this.find("position"), this.total, (begin, end) => this.repeat(begin, end), this.left.signal);
    for (const button of this.querySelectorAll("[data-skip]")) {
      this.on(button, "click", () => this.seek(this.now + Number(button.dataset.skip)));
    }
    this.on(this.closest("main") ?? this, "click", (event) => this.onClick(event));
    this.on(document, "keydown", (event) => this.onKey(event));
    this.on(document, "theme-changed", () => this.recolour());
  }

  listenToAudio() {
    this.on(this.audio, "timeupdate", () => { this.follow(); this.hear(); });
    this.on(this.audio, "seeking", () => { this.listening.close(); this.show(); });
    this.on(this.audio, "play", () => this.begin());
    this.on(this.audio, "pause", () => { clearInterval(this.looking); this.stopListening(); this.showPlaying(); });
    this.on(this.audio, "playing", () => { this.find("failed").hidden = true; });
    this.on(this.audio, "error", () => { if (this.audio.error) this.find("failed").hidden = false; });
  }

  begin() {
    clearInterval(this.looking);
    this.looking = setInterval(() => this.follow(), LOOK_EVERY);
    this.find("resume")?.remove();
    this.showPlaying();
    this.tellTheSystem();
  }

  // What headset keys and lock screens show and do.
  tellTheSystem() {
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.metadata = new MediaMetadata({ title: this.dataset.title ?? "", artist: this.dataset.when ?? "" });
    navigator.mediaSession.setActionHandler("seekbackward", () => this.seek(this.now - SKIP_STEP));
    navigator.mediaSession.setActionHandler("seekforward", () => this.seek(this.now + SKIP_STEP));
  }

  // While it plays: over silences, back to where a loop begins, and the place shown.
  follow() {
    if (!this.audio.paused && !this.audio.seeking) {
      const again = this.loop.after(this.now);
      const onward = this.silence.after(this.now - this.offset);
      if (again !== null) this.seek(again);
      else if (onward !== null) this.seek(this.offset + onward);
    }
    this.show();
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

  get end() {
    return this.offset + this.length;
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  play() {
    this.audio.play().catch(() => { /* the error event tells */ });
  }

  seek(ms) {
    const inFile = Math.min(this.length, Math.max(0, ms - this.offset));
    this.audio.currentTime = inFile / 1000;
    this.show(this.offset + inFile);
    this.dispatchEvent(new CustomEvent("player-moved", { bubbles: true, detail: this.offset + inFile }));
  }

  repeat(begin, end) {
    this.loop.set(Math.max(begin, this.offset), Math.min(end, this.end));
    if (this.loop.isWhole) this.seek(this.loop.begin);
  }

  retry() {
    const place = this.now;
    this.find("failed").hidden = true;
    this.audio.load();
    this.seek(place);
    this.toggle();
  }

  // Links that lead to a moment, and the timeline itself.
  onClick(event) {
    const link = event.target.closest("[data-seek]");
    if (link) {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.seek(Number(link.dataset.seek));
      link.closest("details.menu")?.removeAttribute("open");
      if (link.matches("[data-play-there]")) this.play();
    } else if (!event.target.closest("a, button, input, summary")) {
      const row = event.target.closest(".tl-row > svg")?.getBoundingClientRect();
      if (row) this.seek(((event.clientX - row.left) / row.width) * this.total);
    }
  }

  onKey(event) {
    if (isTyping(event)) return;
    const onSlider = event.target === this.find("position");
    const steps = { "[": -SKIP_STEP, "]": SKIP_STEP };
    if (onSlider) Object.assign(steps, { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP, ArrowDown: -KEY_STEP, ArrowUp: KEY_STEP });
    const acts = {
      "+": () => this.changeSpeed(1),
      "-": () => this.changeSpeed(-1),
      s: () => this.silence.toggle(),
      l: () => this.loop.step(this.now),
      a: () => this.toNextPart(),
      r: () => this.find("play-there")?.click(),
    };
    if (!event.target.matches(ACTS_ON_SPACE)) acts[" "] = () => this.toggle();
    if (event.key in steps) this.seek(this.now + steps[event.key]);
    else if (event.key in acts) acts[event.key]();
    else return;
    event.preventDefault();
  }

  // The part after where it plays; after the last one the first again.
  toNextPart() {
    const places = [...this.querySelectorAll("[data-part]")].map((part) => Number(part.dataset.seek));
    const next = places.find((place) => place > this.now + 500) ?? places[0];
    if (next !== undefined) this.seek(next);
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
    if (!this.audio.paused) this.dispatchEvent(new CustomEvent("player-moved", { bubbles: true, detail: now }));
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
    this.silence.learn(peaks.silences ?? []);
    this.wave = drawWave(box, this.audio, peaks, this.length, this.colours());
    this.wave.on("redrawcomplete", () => this.setAttribute("data-drawn", ""));
  }

  colours() {
    return colours(this, this.dataset.voices.split(" "), this.lanes);
  }

  recolour() {
    this.wave?.setOptions(this.colours());
  }
}

customElements.define("call-player", CallPlayer);
