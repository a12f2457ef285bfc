// A stretch that is played over and over: from here, to here, no more; or dragged over with Shift.
import { clock } from "./clock.js";

const SHORTEST = 300;
const WORDS = ["Loop", "Loop to here", "Looping"];
const HINTS = ["Loop from here (l)", "Loop to here (l)", "Stop looping (l)"];

export class Loop {
  constructor(button, label, span, total) {
    Object.assign(this, { button, label, span, total });
    this.clear();
  }

  get isWhole() {
    return this.end !== null;
  }

  step(now) {
    if (this.isWhole) this.clear();
    else if (this.begin === null) this.set(now, null);
    else this.set(Math.min(now, this.begin), Math.max(now, this.begin));
  }

  set(begin, end) {
    if (end !== null && end - begin < SHORTEST) return;
    this.begin = begin;
    this.end = end;
    this.show();
  }

  clear() {
    this.begin = this.end = null;
    this.show();
  }

  // Where to go on from, when the end was reached.
  after(now) {
    return this.isWhole && (now >= this.end || now < this.begin - SHORTEST) ? this.begin : null;
  }

  show() {
    const stage = this.begin === null ? 0 : this.isWhole ? 2 : 1;
    this.button.setAttribute("aria-pressed", String(stage > 0));
    this.label.textContent = WORDS[stage];
    this.button.title = stage === 2 ? `${clock(this.begin)} to ${clock(this.end)}. ${HINTS[2]}` : HINTS[stage];
    const from = this.begin ?? 0;
    const width = stage === 2 ? this.end - from : stage === 1 ? this.total / 400 : 0;
    this.span.setAttribute("x", `${(100 * from) / this.total}%`);
    this.span.setAttribute("width", `${(100 * width) / this.total}%`);
  }
}

// Drags with Shift over the slider; the slider itself does not move then.
export function onShiftDrag(slider, total, act, signal) {
  const at = (event) => {
    const box = slider.getBoundingClientRect();
    return Math.min(total, Math.max(0, ((event.clientX - box.left) / box.width) * total));
  };
  let from = null;
  const listen = (name, react) => slider.addEventListener(name, react, { signal });
  listen("pointerdown", (event) => {
    if (!event.shiftKey) return;
    event.preventDefault();
    slider.setPointerCapture(event.pointerId);
    from = at(event);
  });
  listen("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); });
  listen("pointermove", (event) => { if (from !== null) act(Math.min(from, at(event)), Math.max(from, at(event))); });
  listen("pointerup", () => { from = null; });
  listen("pointercancel", () => { from = null; });
}
