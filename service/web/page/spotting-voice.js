// One track under the picture: an audio element that is kept in step with the video's clock.

import { audioAddress } from "./api.js";
import { h } from "./dom.js";

const DRIFT_SECONDS = 0.04; // more than this is put right
const STEADY_SECONDS = 0.008; // less than this is left alone
const JUMP_SECONDS = 0.12; // more than this is put right by a jump, less by a slightly other speed
const MOST_NUDGE = 0.04;
const REST_SECONDS = 0.8; // between two jumps
const RUN_UP_SECONDS = 0.4; // it plays unheard before its cue begins, to be in step there
const MOST_LAG_SECONDS = 0.4;
const SMOOTHING_SECONDS = 0.01;

/** The track of a cue; `sound` mixes, `host` holds the element. */
export function voice(cue, { sound, host, onproblem }) {
  const element = h("audio", { preload: "auto", "data-cue": cue.id });
  const gain = sound.connect(element);
  let lag = 0; // how late a jump arrives, learned
  let jumpedAt = -Infinity;
  let isNudging = false;
  let isWaiting = false;
  let address = "";
  let isDropped = false;
  host.append(element);
  element.addEventListener("error", () => !isDropped && onproblem(cue));
  audioAddress(cue.chosen.track.id).then(load, () => onproblem(cue));

  function load(found) {
    address = found;
    if (isDropped) forget();
    else element.src = found;
  }

  function forget() {
    if (address.startsWith("blob:")) URL.revokeObjectURL(address);
  }

  const targetAt = (at) => cue.chosen.source_start_seconds + at - cue.start_seconds;

  function jump(place) {
    element.currentTime = place;
    element.playbackRate = 1;
    jumpedAt = performance.now();
    isNudging = false;
  }

  function stand(place) {
    if (!element.paused) element.pause();
    if (element.readyState > 0 && !element.seeking && Math.abs(element.currentTime - place) > 0.02) element.currentTime = place;
  }

  function begin(place) {
    if (isWaiting || element.readyState === 0) return;
    jump(place + lag);
    isWaiting = true;
    element.play().catch(() => {}).finally(() => (isWaiting = false));
  }

  function keep(place, rate) {
    if (element.seeking || isWaiting || element.readyState < 3) return;
    const drift = element.currentTime - place;
    const rested = (performance.now() - jumpedAt) / 1_000;
    if (Math.abs(drift) > JUMP_SECONDS) {
      if (rested < REST_SECONDS) return;
      lag = Math.max(0, Math.min(MOST_LAG_SECONDS, lag - drift));
      jump(place + lag);
      element.playbackRate = rate;
      return;
    }
    isNudging = Math.abs(drift) > (isNudging ? STEADY_SECONDS : DRIFT_SECONDS);
    const nudge = isNudging ? Math.max(-MOST_NUDGE, Math.min(MOST_NUDGE, -drift)) : 0;
    const wanted = rate * (1 + nudge);
    if (Math.abs(element.playbackRate - wanted) > 0.002) element.playbackRate = wanted;
  }

  return {
    element,
    /** The same track as the plan has it now. */
    change(now) { cue = now; },
    /** Be where the video is. */
    follow(at, { isPlaying, rate, level }) {
      sound.set(gain, element, level, SMOOTHING_SECONDS);
      const place = targetAt(at);
      const isNear = at >= cue.start_seconds - RUN_UP_SECONDS && at < cue.end_seconds;
      const exists = place >= 0 && place < (element.duration || Infinity);
      if (!isNear || !exists) return stand(Math.max(0, targetAt(cue.start_seconds - RUN_UP_SECONDS)));
      if (!isPlaying) return stand(place);
      return element.paused ? begin(place) : keep(place, rate);
    },
    drop() {
      isDropped = true;
      element.pause();
      element.removeAttribute("src");
      element.load();
      element.remove();
      gain?.disconnect();
      forget();
    },
  };
}
