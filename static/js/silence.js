// Jumping over where nobody says anything, along the stored map of silences; whether to is remembered.
const KEY = "skip-silence";
const LEAD = 250;

export class Silence {
  constructor(button) {
    this.button = button;
    this.spans = [];
    this.show(localStorage.getItem(KEY) === "yes");
  }

  // Spans in milliseconds of the file; without any there is nothing to skip.
  learn(spans) {
    this.spans = spans.map(([begin, end]) => [begin + LEAD, end - LEAD]).filter(([begin, end]) => end - begin > LEAD);
    this.button.disabled = !this.spans.length;
    if (!this.spans.length) this.button.title = "Nobody is silent for long";
  }

  toggle() {
    if (this.button.disabled) return;
    localStorage.setItem(KEY, this.isOn ? "no" : "yes");
    this.show(!this.isOn);
  }

  show(isOn) {
    this.isOn = isOn;
    this.button.setAttribute("aria-pressed", String(isOn));
  }

  // Where to go on from, when the place is in a silence.
  after(ms) {
    if (!this.isOn) return null;
    return this.spans.find(([begin, end]) => ms >= begin && ms < end)?.[1] ?? null;
  }
}
