// Trimming a cue by its edges and slipping the music under it, by pointer and by keyboard.

import { h } from "./dom.js";

const SNAP_PIXELS = 8;
const SETTLE_MILLISECONDS = 500; // keys are gathered so long before the service is asked
const START_PIXELS = 4; // a pointer that moves less has only clicked

/** What trims a cue's start or end to a frame; the music stays where it is under the picture. */
export function trimEdit(cue, which, frame) {
  return { action: "trim", cue: cue.id, [which === "start" ? "start_frame" : "end_frame"]: frame };
}

/** The first and last frame that a cue may start or end at: its track is only so long, pinned cues stay, and music is not covered whole. */
export function reach(which, { cue, place, plan, clock }) {
  const { chosen } = cue;
  if (which === "start") {
    const music = chosen ? cue.start_frame - Math.floor(chosen.source_start_seconds * clock.rate) : 0;
    const wall = plan.cues.slice(0, place).findLast((one) => one.is_pinned || one.chosen);
    const free = wall ? (wall.is_pinned ? wall.end_frame : wall.start_frame + 1) : 0;
    return [Math.max(music, free), cue.end_frame - 1];
  }
  const music = chosen ? cue.start_frame + Math.floor((chosen.track.duration_seconds - chosen.source_start_seconds) * clock.rate) : Infinity;
  const wall = plan.cues.slice(place + 1).find((one) => one.is_pinned || one.chosen);
  const free = wall ? (wall.is_pinned ? wall.start_frame : wall.end_frame - 1) : plan.video.frames;
  return [cue.start_frame + 1, Math.max(cue.start_frame + 1, Math.min(music, free))];
}

/** A handle at one edge of a chosen cue. */
export function edge(which, { cue, place, plan, view, element }) {
  const { clock } = view;
  const isStart = which === "start";
  const was = isStart ? cue.start_frame : cue.end_frame;
  const [least, most] = reach(which, { cue, place, plan, clock });
  const cuts = plan.scenes.flatMap((scene) => [scene.start_frame, scene.end_frame]);
  const bubble = h("span", { class: "tl-bubble", hidden: true });
  const handle = h("span", {
    class: `tl-edge ${which}`, role: "slider", tabindex: "0", "aria-label": `${isStart ? "Start" : "End"} of cue ${place + 1}`,
    "aria-valuemin": least, "aria-valuemax": most, "data-part": `${which} ${cue.id}`, onpointerdown: drag, onkeydown: key, onblur: commit,
  }, bubble);
  let frame = was;
  let timer = null;
  move(was);
  return handle;

  function move(to) {
    frame = Math.max(least, Math.min(most, to));
    const [from, until] = isStart ? [frame, cue.end_frame] : [cue.start_frame, frame];
    element.style.left = `${(100 * from) / plan.video.frames}%`;
    element.style.width = `${(100 * (until - from)) / plan.video.frames}%`;
    handle.setAttribute("aria-valuenow", frame);
    handle.setAttribute("aria-valuetext", clock.code(frame));
    bubble.hidden = frame === was;
    bubble.textContent = cuts.includes(frame) ? `${clock.code(frame)} · cut` : clock.code(frame);
  }

  function commit() {
    clearTimeout(timer);
    if (frame !== was && handle.isConnected) view.edit([trimEdit(cue, which, frame)], `${isStart ? "start" : "end"} of the cue`);
  }

  function snapped(event) {
    const free = clock.nearest(view.secondsAt(event));
    if (event.altKey) return free;
    const near = [...cuts, clock.nearest(view.transport.at())].sort((one, other) => Math.abs(one - free) - Math.abs(other - free))[0];
    return (Math.abs(near - free) / plan.video.frames) * view.pixels() <= SNAP_PIXELS ? near : free;
  }

  function drag(event) {
    event.preventDefault();
    event.stopPropagation();
    handle.focus();
    held(handle, event, { onmove: (moved) => move(snapped(moved)), onend: commit, oncancel: () => move(was) });
  }

  function key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") move(was);
    if (event.key === "Enter") commit();
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    move(frame + by * (event.shiftKey ? 10 : 1));
    clearTimeout(timer);
    timer = setTimeout(commit, SETTLE_MILLISECONDS);
  }
}

/** Dragging a chosen cue's body moves the music under it. */
export function slip(body, wave, cue, view) {
  body.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { track, source_start_seconds: was } = cue.chosen;
    const long = cue.end_seconds - cue.start_seconds;
    const begun = event.clientX;
    let to = was;
    held(body, event, {
      onmove: (moved) => {
        const by = moved.clientX - begun;
        if (to === was && Math.abs(by) < START_PIXELS) return;
        to = Math.max(0, Math.min(Math.max(0, track.duration_seconds - long), was - (by / view.pixels()) * view.whole()));
        wave.setAttribute("viewBox", `${to} -1 ${long} 2`);
      },
      onend: () => to !== was && view.edit([{ action: "trim", cue: cue.id, source_start_seconds: Number(to.toFixed(3)) }], "in point"),
      oncancel: () => wave.setAttribute("viewBox", `${was} -1 ${long} 2`),
    });
  });
}

function held(element, event, { onmove, onend, oncancel }) {
  const within = new AbortController();
  const { signal } = within;
  element.setPointerCapture(event.pointerId);
  element.addEventListener("pointermove", onmove, { signal });
  element.addEventListener("pointerup", () => { within.abort(); onend(); }, { signal });
  element.addEventListener("pointercancel", () => { within.abort(); oncancel(); }, { signal });
}
