// A piece of music: fetched as a whole before it plays, so that it never stutters.

import { h } from "./dom.js";
import { Problem, place } from "./rater.js";

const NEAR = 0.85; // the clock of a player is not exact
const fetched = new Map();

export function audioOf(token) {
  return place(`files/${token}/audio`);
}

/** Fetch pieces that will be heard next, and forget all but them. */
export function fetchAhead(tokens) {
  for (const token of tokens) load(token).catch(() => {});
}

function load(token) {
  if (!fetched.has(token)) {
    const wanted = fetch(audioOf(token)).then(async (response) => {
      if (!response.ok) throw new Problem("The music cannot be fetched.", response.status);
      return URL.createObjectURL(await response.blob());
    });
    wanted.catch(() => fetched.delete(token));
    fetched.set(token, wanted);
  }
  return fetched.get(token);
}

export class Piece {
  constructor({ token, seconds }, name, video, { onheard, onstart, onfail } = {}) {
    this.least = seconds;
    this.plays = 0;
    this.name = name;
    this.video = video;
    this.token = token;
    this.on = { heard: onheard, start: onstart, fail: onfail };
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.button = h("button", { type: "button", class: "primary", disabled: true, onclick: () => this.toggle() }, "Loading …");
    this.bar = h("progress", { max: 1, value: 0, "aria-label": `How far ${name} has played` });
    this.element = h("div", { class: "piece" }, this.button, this.bar);
    for (const kind of ["play", "pause", "ended", "timeupdate"]) this.audio.addEventListener(kind, () => this.follow());
    this.ready = load(token).then((url) => {
      this.audio.src = url;
      this.button.disabled = false;
      this.follow();
    }).catch((error) => {
      this.button.textContent = "Not there";
      this.on.fail?.(error instanceof Problem ? error : new Problem("The music cannot be fetched.", 0));
    });
  }

  /** How much of the piece was heard; what was heard twice counts once. */
  get heardSeconds() {
    let sum = 0;
    for (let at = 0; at < this.audio.played.length; at += 1) sum += this.audio.played.end(at) - this.audio.played.start(at);
    return Math.round(sum * 100) / 100;
  }

  get isHeard() {
    return this.heardSeconds >= this.least * NEAR;
  }

  get isPlaying() {
    return !this.audio.paused && !this.audio.ended;
  }

  async toggle() {
    if (this.isPlaying) { this.pause(); return; }
    if (!this.audio.src) return;
    this.plays += 1;
    this.on.start?.(this);
    if (this.video?.duration) this.video.currentTime = this.audio.currentTime % this.video.duration;
    await Promise.all([this.audio.play(), this.video?.play()]).catch(() => {});
  }

  pause() {
    this.audio.pause();
  }

  stop() {
    this.pause();
    fetched.get(this.token)?.then((url) => URL.revokeObjectURL(url), () => {});
    fetched.delete(this.token);
  }

  follow() {
    const { audio } = this;
    if (!this.isPlaying) this.video?.pause();
    this.button.textContent = `${this.isPlaying ? "Pause" : "Play"} ${this.name.length === 1 ? this.name : ""}`.trim();
    this.button.setAttribute("aria-label", `${this.isPlaying ? "Pause" : "Play"} ${this.name}`);
    this.bar.value = audio.duration ? audio.currentTime / audio.duration : 0;
    if (!this.isHeard) return;
    this.element.dataset.heard = "yes";
    this.on.heard?.();
  }
}
