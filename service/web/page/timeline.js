// The timeline of a plan: ruler, scenes, what is seen and said, cues; it is zoomed, scrolled and sought in.

import { h, put } from "./dom.js";
import { cueRow } from "./timeline-cues.js";
import { cutLines, livelinessRow, sceneRow, sceneWords } from "./timeline-rows.js";
import { ticks } from "./timeline-ruler.js";

const FRAME_PIXELS = 12; // of a frame, at most
const WIDEST_PIXELS = 400_000;
const ROWS = ["", "Scenes", "Picture", "Voice", "Music"];

export function timeline({ clock, transport, choose, edit, address, signal }) {
  const head = h("div", { class: "tl-head", "aria-hidden": "true" });
  const inner = h("div", { class: "tl-inner" });
  const scroll = h("div", { class: "tl-scroll" }, inner);
  const words = h("p", { class: "tl-words small" });
  const size = h("input", { type: "range", min: "0", max: "1", step: "0.01", value: "0", "aria-label": "Zoom", oninput: () => zoom(Number(size.value)) });
  const step = (by) => () => zoom(Math.max(0, Math.min(1, Number(size.value) + by)));
  const tools = h("div", { class: "tl-tools", role: "group", "aria-label": "Zoom of the timeline" },
    h("button", { type: "button", class: "quiet", "aria-label": "Zoom out", onclick: step(-0.15) }, "−"), size,
    h("button", { type: "button", class: "quiet", "aria-label": "Zoom in", onclick: step(0.15) }, "+"),
    h("button", { type: "button", class: "quiet", onclick: () => zoom(0) }, "Fit"));
  const marks = h("div", { class: "tl-marks", "aria-hidden": "true" });
  const ruler = h("div", { class: "tl-ruler", role: "slider", tabindex: "0", "aria-label": "Place in the video", "aria-valuemin": "0", onkeydown: key }, marks);
  let plan = null;
  let whole = 1;
  let drawnScene = null;
  let pointed = null; // the scene under the pointer or the focus

  const element = h("section", { class: "timeline", "aria-label": "Timeline" },
    h("div", { class: "tl-bar" }, words, tools),
    h("div", { class: "tl-body" }, h("div", { class: "tl-labels", "aria-hidden": "true" }, ROWS.map((name) => h("span", {}, name))), scroll));

  const secondsAt = (event) => {
    const box = inner.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * whole;
  };
  const view = { clock, whole: () => whole, secondsAt, transport, choose, edit, address, signal, pixels: () => inner.clientWidth };

  function zoom(share, { at = transport.at(), x = null } = {}) {
    const room = scroll.clientWidth || 1;
    const most = Math.max(1, Math.min(WIDEST_PIXELS, whole * clock.rate * FRAME_PIXELS) / room);
    const before = x ?? Math.min(Math.max((at / whole) * inner.clientWidth - scroll.scrollLeft, 0), room);
    size.value = share;
    inner.style.width = `${100 * most ** share}%`;
    scroll.scrollLeft = (at / whole) * inner.clientWidth - before;
    rule();
  }

  function rule() {
    if (plan) put(marks, ticks({ clock, whole, pixels: inner.clientWidth, from: scroll.scrollLeft, room: scroll.clientWidth }));
  }

  function key(event) {
    const now = clock.nearest(transport.at());
    const big = event.shiftKey ? clock.nominal : 1;
    const cuts = [0, ...plan.scenes.map((scene) => scene.end_frame)];
    const places = {
      ArrowLeft: now - big, ArrowRight: now + big, Home: 0, End: plan.video.frames - 1,
      ArrowUp: cuts.findLast((frame) => frame < now) ?? 0, ArrowDown: cuts.find((frame) => frame > now) ?? now,
      PageUp: now - 10 * clock.nominal, PageDown: now + 10 * clock.nominal,
    };
    if (!(event.key in places)) return;
    event.preventDefault();
    transport.seek(clock.secondsAt(Math.max(0, places[event.key])) + 0.0005);
  }

  function scrub(event) {
    if (event.button !== 0 || event.target.closest(".tl-cue")) return;
    const go = (moved) => transport.seek(secondsAt(moved));
    const within = new AbortController();
    inner.setPointerCapture(event.pointerId);
    inner.addEventListener("pointermove", go, { signal: within.signal });
    for (const name of ["pointerup", "pointercancel"]) inner.addEventListener(name, () => within.abort(), { signal: within.signal });
    go(event);
  }

  function follow() {
    if (!plan) return;
    const at = transport.at();
    head.style.left = `${(100 * at) / whole}%`;
    ruler.setAttribute("aria-valuenow", clock.frameAt(at));
    ruler.setAttribute("aria-valuetext", clock.at(at));
    const x = (at / whole) * inner.clientWidth - scroll.scrollLeft;
    if (transport.isPlaying() && (x < 0 || x > scroll.clientWidth)) scroll.scrollLeft += x - scroll.clientWidth * 0.1;
    tell();
  }

  function tell() {
    const scene = pointed ?? plan.scenes.find((one) => transport.at() < one.end_seconds) ?? plan.scenes.at(-1);
    if (!scene || scene === drawnScene) return;
    drawnScene = scene;
    put(words, sceneWords(scene, clock));
  }

  inner.addEventListener("pointerdown", scrub);
  scroll.addEventListener("scroll", rule, { passive: true });
  scroll.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const x = event.clientX - scroll.getBoundingClientRect().left;
    zoom(Math.max(0, Math.min(1, Number(size.value) - event.deltaY / 1_500)), { at: secondsAt(event), x });
  }, { passive: false });
  const watcher = new ResizeObserver(rule);
  watcher.observe(scroll);
  signal.addEventListener("abort", () => watcher.disconnect(), { once: true });
  transport.onchange(follow);

  return {
    element,
    /** Draw a plan with one of its cues chosen. */
    show(now, chosen) {
      plan = now;
      whole = plan.video.frames / clock.rate;
      drawnScene = null;
      ruler.setAttribute("aria-valuemax", plan.video.frames);
      const point = (scene) => { pointed = scene; tell(); };
      const music = cueRow(plan, chosen, view);
      put(inner, ruler, sceneRow(plan, { ...view, point }), livelinessRow(plan, view), music, cutLines(plan), head);
      rule();
      follow();
    },
  };
}
