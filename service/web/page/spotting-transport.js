// The video's clock drives everything: what sounds, how loud, and where the playhead is.

import { closePlayer, onPlayer, playing } from "./player.js";
import { gainAt, hasMusic, tried } from "./spotting-mix.js";
import { mixingDesk } from "./spotting-sound.js";
import { voice } from "./spotting-voice.js";

const AHEAD_SECONDS = 8; // a track is fetched so long before its cue
const BACKGROUND_MILLISECONDS = 200; // pages behind others are given no frames

/** Plays a video with the music of a plan. */
export function transport(video, { host, signal, onproblem }) {
  const desk = mixingDesk(video);
  const voices = new Map(); // cue and track -> voice
  const changes = new EventTarget();
  let plan = { cues: [] };
  let trial = null; // another track that is tried in one cue
  let wanted = null; // a place that was asked for before the video was there

  const shown = () => (trial ? tried(plan, trial.cueId, trial.other) : plan);
  const at = () => wanted ?? video.currentTime;
  const isPlaying = () => !video.paused && !video.ended && !video.seeking && video.readyState > 2;
  const tell = () => changes.dispatchEvent(new Event("change"));

  function tick() {
    const now = at();
    const cues = shown().cues.filter(hasMusic);
    const near = cues.filter((cue) => now < cue.end_seconds && now > cue.start_seconds - AHEAD_SECONDS);
    const keys = new Map(near.map((cue) => [`${cue.id} ${cue.chosen.track.id}`, cue]));
    for (const [key, one] of voices) {
      if (keys.has(key)) continue;
      one.drop();
      voices.delete(key);
    }
    for (const [key, cue] of keys) {
      if (!voices.has(key)) voices.set(key, voice(cue, { sound: desk, host, onproblem }));
      const one = voices.get(key);
      one.change(cue);
      one.follow(now, { isPlaying: isPlaying(), rate: video.playbackRate, level: gainAt(cue, now) });
    }
  }

  function run() {
    if (signal.aborted) return;
    if (!video.paused) {
      tick();
      tell();
    }
    requestAnimationFrame(run);
  }

  function seek(seconds) {
    const last = video.duration ? Math.max(0, video.duration - 0.001) : Infinity;
    const place = Math.max(0, Math.min(seconds, last));
    if (video.readyState === 0) wanted = place;
    else video.currentTime = place;
    tell();
  }

  function play() {
    closePlayer();
    desk.wake();
    return video.play().catch((problem) => problem.name !== "AbortError" && onproblem(null, problem));
  }

  function stop() {
    video.pause();
    if (!trial) return;
    trial = null;
    tick();
    tell();
  }

  video.addEventListener("loadedmetadata", () => {
    if (wanted !== null) video.currentTime = wanted;
    wanted = null;
  });
  for (const name of ["play", "playing", "pause", "seeking", "seeked", "waiting", "ratechange", "ended", "timeupdate"]) {
    video.addEventListener(name, () => { tick(); tell(); });
  }
  const timer = setInterval(() => document.hidden && !video.paused && tick(), BACKGROUND_MILLISECONDS);
  onPlayer(() => !playing().paused && !video.paused && video.pause(), signal);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    video.pause();
    voices.forEach((one) => one.drop());
    desk.close();
    if (video.src.startsWith("blob:")) URL.revokeObjectURL(video.src);
  }, { once: true });
  requestAnimationFrame(run);

  return {
    at, seek, play, stop, fade: desk.fade, levels: desk.levels,
    isPlaying: () => !video.paused,
    toggle: () => (video.paused ? play() : stop()),
    /** What is being tried: { cueId, other } or null. */
    trial: () => trial,
    open(now) {
      plan = now;
      trial = null;
      tick();
      tell();
    },
    /** Hear another track in a cue, from the cue's first frame. */
    try(cue, other) {
      trial = { cueId: cue.id, other };
      seek(cue.start_seconds);
      tick();
      return play();
    },
    onchange: (action) => changes.addEventListener("change", action, { signal }),
  };
}
