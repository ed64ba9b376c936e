// The one audio element, and the bar at the foot of the page that steers it.

import { audioAddress } from "./api.js";
import { announce, h } from "./dom.js";
import { clock, nameOf } from "./format.js";

const audio = new Audio();
const changes = new EventTarget();
let track = null;
let address = "";

/** Call something whenever what is played, or where, changes. */
export function onPlayer(action, signal) {
  changes.addEventListener("change", action, { signal });
}

export function playing() {
  return { id: track?.id ?? null, at: audio.currentTime, paused: audio.paused };
}

/** Play a track from some second on. */
export async function play(wanted, from = 0) {
  try {
    if (track?.id !== wanted.id) await open(wanted);
    audio.currentTime = from;
    await audio.play();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    track = null;
    say(`${nameOf(wanted)} cannot be played: ${problem.message}`);
  }
}

/** Play a track, or stop where it is if it plays. */
export function toggle(wanted = track, from = 0) {
  if (!wanted) return;
  if (track?.id !== wanted.id) play(wanted, from);
  else if (audio.paused) audio.play().catch((problem) => say(problem.message));
  else audio.pause();
}

/** Stop, and put the bar away. */
export function closePlayer() {
  audio.pause();
  track = null;
  bar.hidden = true;
  changes.dispatchEvent(new Event("change"));
}

/** Go to a second of the track that is open. */
export function seek(at) {
  audio.currentTime = Math.max(0, Math.min(at, audio.duration || at));
}

/** A round button that plays a track from some second, and stops it again. */
export function playButton(wanted, from, label, signal) {
  const button = h("button", { type: "button", class: "play", onclick: () => toggle(wanted, from) });
  const show = () => {
    const isOn = track?.id === wanted.id && !audio.paused;
    if (button.dataset.on === String(isOn)) return;
    button.dataset.on = isOn;
    button.setAttribute("aria-label", `${isOn ? "Pause" : "Play"} ${label}`);
  };
  show();
  onPlayer(show, signal);
  return button;
}

async function open(wanted) {
  track = wanted;
  const found = await audioAddress(wanted.id);
  if (track !== wanted) throw new DOMException("another track was chosen meanwhile", "AbortError");
  if (address.startsWith("blob:")) URL.revokeObjectURL(address);
  address = found;
  audio.src = address;
  await new Promise((ready, failed) => {
    audio.onloadedmetadata = ready;
    audio.onerror = () => failed(new Error("its file is gone, or this browser has no decoder for it"));
  });
  draw();
}

const bar = document.getElementById("player");
const time = h("span", { class: "time" });
let drawn = new AbortController();

function draw() {
  drawn.abort();
  drawn = new AbortController();
  bar.replaceChildren(
    playButton(track, 0, nameOf(track), drawn.signal),
    h("a", { href: `#/track/${track.id}`, class: "name" }, nameOf(track)), time,
    h("button", { type: "button", class: "quiet", "aria-label": "Close the player", onclick: closePlayer }, "✕"));
  bar.hidden = false;
}

function say(text) {
  bar.replaceChildren(h("p", { role: "alert" }, text));
  bar.hidden = false;
  announce(text);
}

for (const name of ["play", "pause", "timeupdate", "seeked", "ended"]) {
  audio.addEventListener(name, () => {
    if (track) time.textContent = `${clock(audio.currentTime)} / ${clock(audio.duration || track.duration_seconds)}`;
    changes.dispatchEvent(new Event("change"));
  });
}

// Space plays and pauses, wherever it has no meaning of its own.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || event.target.closest("input, textarea, select, button, summary, a, [role=slider], dialog")) return;
  if (!track) return;
  event.preventDefault();
  toggle();
});
