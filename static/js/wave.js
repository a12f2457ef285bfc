// The waveform, drawn by wavesurfer from stored peaks, one lane per channel.
import WaveSurfer from "../vendor/wavesurfer/wavesurfer.esm.js";

const LANE_HEIGHT = 44;

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

export function colours(host, voices, lanes) {
  const ink = inks(host);
  const lane = (name) => ({ waveColor: ink[`${name}-ahead`], progressColor: ink[name] });
  if (lanes < 2) return lane(voices[0]);
  const names = Array.from({ length: lanes }, (_, index) => voices[index] ?? "agent");
  return { ...lane("agent"), splitChannels: names.map((name) => ({ ...lane(name), height: LANE_HEIGHT })) };
}

export function drawWave(box, audio, peaks, length, look) {
  const lanes = peaks.channels.length;
  return WaveSurfer.create({
    container: box,
    media: audio,
    peaks: peaks.channels.map((channel) => channel.map((value) => value / peaks.maximum)),
    duration: length / 1000,
    height: lanes > 1 ? LANE_HEIGHT : 2 * LANE_HEIGHT,
    barWidth: 2,
    barGap: 1,
    barMinHeight: 1,
    cursorWidth: 0,
    interact: false,
    normalize: false,
    hideScrollbar: true,
    cspNonce: document.querySelector("meta[name=csp-nonce]").nonce,
    ...look,
  });
}
