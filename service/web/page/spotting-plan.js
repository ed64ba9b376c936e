// The plan of one video: while it is made, and then to be watched, changed and taken away.

import { get, patch, post, remove } from "./api.js";
import { announce, h, heading, loading, put, trouble } from "./dom.js";
import { clock as minutes } from "./format.js";
import { generationPanel } from "./generation.js";
import { hasEnded, jobCard } from "./job.js";
import { cuePanel } from "./spotting-cue.js";
import { inverse } from "./spotting-edits.js";
import { cueTable, diffList } from "./spotting-lists.js";
import { cueAt } from "./spotting-mix.js";
import { exportMenu, previewPanel } from "./spotting-output.js";
import { stage } from "./spotting-stage.js";
import { sure } from "./spotting-sure.js";
import { recutForm } from "./spotting-upload.js";
import { frameClock } from "./timecode.js";
import { timeline } from "./timeline.js";

const CHANGED = "cue-plan-changed";
const PATIENCE = 60; // how often it is looked whether the music that was made is in the plan

export function planView(id, signal) {
  const path = `v1/cue-plans/${id}`;
  const place = h("div", { class: "score" }, heading("Score a video"), loading());
  const open = async () => {
    try {
      const view = await get(path, {}, signal);
      if (signal.aborted) return;
      if (view.plan) editor(place, view, { path, signal });
      else waiting(place, view, { path, signal, open });
    } catch (problem) {
      put(place, heading("Score a video"), trouble(problem, open), back());
    }
  };
  open();
  return place;
}

function back() {
  return h("p", { class: "small back" }, h("a", { href: "#/score" }, "All videos"));
}

/** A plan that is being made, or that could not be. */
function waiting(place, view, { path, signal, open }) {
  const gone = () => (location.hash = "#/score");
  const forget = async () => {
    await remove(path);
    gone();
  };
  const onend = (now) => (now?.status === "done" ? open() : now ? waiting(place, now, { path, signal, open }) : gone());
  put(place, heading(view.name), jobCard(view, { path, title: `Plan for ${view.video_name}`, signal, onend }),
    hasEnded(view) && h("div", { class: "row" }, h("button", { type: "button", onclick: forget }, "Delete it")), back());
  place.querySelector("h1").focus({ preventScroll: true });
}

function editor(place, first, { path, signal }) {
  const clock = frameClock(first.plan.video);
  const picture = stage({ plan: first.plan, clock, view: first, signal });
  const { transport } = picture;
  const makings = new Map(Object.entries(first.generations).map(([cue, { id }]) => [cue, making(cue, id)]));
  const past = []; // edits that take the last ones back
  let view = first;
  let chosen = first.plan.cues.find((cue) => cue.kind !== "silence")?.id ?? first.plan.cues[0].id;
  let isBusy = false;

  const line = timeline({ clock, transport, choose, edit, address: path, signal });
  const notice = h("div", { class: "notices", role: "status" });
  const facts = h("p", { class: "small faint" });
  const undoButton = h("button", { type: "button", "data-part": "undo", onclick: undo }, "Undo");
  const panel = h("div", { class: "score-side" });
  const lists = h("div", { class: "score-lists" });
  const recut = h("details", { class: "menu" }, h("summary", { class: "button" }, "New cut"),
    h("div", { class: "menu-body" }, recutForm(view, { sent: (plan) => (location.hash = `#/score/${plan.id}`), signal })));
  put(place, h("header", { class: "score-head" },
    h("div", { class: "naming" }, back(), h("h1", { tabindex: "-1" }, view.name), facts),
    h("div", { class: "row" }, undoButton,
      h("button", { type: "button", "data-part": "replan", onclick: () => edit([{ action: "replan" }], "plan"), title: "Plan everything anew but what is pinned" }, "Plan again"),
      recut, exportMenu(view.id), h("button", { type: "button", class: "quiet", onclick: forget }, "Delete"))),
  notice, h("div", { class: "score-top" }, picture.element, panel), line.element, lists, previewPanel(view, signal));
  closeMenus(place, signal);
  tell(...view.plan.notices);
  show();
  document.title = `${view.name} – MusiScene`;
  place.querySelector("h1").focus({ preventScroll: true });

  function show() {
    const { plan } = view;
    if (!plan.cues.some((cue) => cue.id === chosen)) chosen = cueAt(plan, transport.at()).id;
    picture.open(plan);
    facts.textContent = [minutes(plan.video.duration_seconds), `${Number(clock.rate.toFixed(3))} frames a second`, `${plan.video.width} × ${plan.video.height}`, `${plan.cues.length} cues`, `revision ${view.revision}`].join(" · ");
    undoButton.disabled = !past.length;
    draw();
  }

  function draw() {
    const { plan } = view;
    const cue = plan.cues.find((one) => one.id === chosen);
    keepingFocus(place, () => {
      line.show(plan, chosen);
      put(panel, cuePanel(cue, { plan, clock, transport, edit, generation: makings.get(cue.id), make }));
      put(lists, view.diff && diffList(view.diff, view.parent, { plan, choose }), cueTable(plan, { clock, chosen, choose }));
    });
  }

  function choose(id) {
    if (id === chosen) return;
    chosen = id;
    draw();
  }

  function tell(...texts) {
    put(notice, texts.filter(Boolean).map((text) => h("p", { class: "notice small" }, text)));
  }

  /** Have the service change the plan; true if it did. */
  async function edit(edits, what, { isUndo = false } = {}) {
    if (isBusy) return false;
    isBusy = true;
    place.setAttribute("aria-busy", "true");
    const before = view;
    try {
      view = await patch(path, { revision: view.revision, edits }, signal);
      const reverse = isUndo || edits[0].action === "replan" ? null : inverse(before.plan, view.plan);
      if (reverse?.length) past.push(reverse);
      else if (!isUndo) past.length = 0;
      put(notice);
      announce(`${isUndo ? "Taken back" : "Changed"}: ${what}`);
      return true;
    } catch (problem) {
      await refused(problem);
      return false;
    } finally {
      isBusy = false;
      place.removeAttribute("aria-busy");
      if (!signal.aborted) show();
    }
  }

  async function refused(problem) {
    if (problem.name === "AbortError") return;
    if (problem.code !== CHANGED) return put(notice, trouble(problem));
    view = await get(path, {}, signal);
    past.length = 0;
    tell("Somebody else changed this plan in the meantime. This is its newest state; what you did last was not done.");
  }

  async function undo() {
    const edits = past.at(-1);
    if (edits && (await edit(edits, "the last change", { isUndo: true }))) past.pop();
    undoButton.disabled = !past.length;
  }

  async function make(cue) {
    try {
      const job = await post(`${path}/cues/${cue.id}/generation`, {}, signal);
      makings.set(cue.id, making(cue.id, job.id));
      view = await get(path, {}, signal); // it is at another revision by now
      show();
    } catch (problem) {
      put(notice, trouble(problem));
    }
  }

  /** Music on its way; once it is there, the plan has it. */
  function making(cue, id) {
    const again = () => make(view.plan.cues.find((one) => one.id === cue));
    const element = generationPanel(id, signal, { onend: (job) => {
      if (job?.status === "done") taken(cue);
      else element.append(h("button", { type: "button", onclick: again }, "Try again"));
    } });
    return element;
  }

  async function taken(cue) {
    for (let tries = 0; tries < PATIENCE && !signal.aborted; tries += 1) {
      const now = await get(path, {}, signal).catch(() => null);
      if (now && !(cue in now.generations)) {
        makings.delete(cue);
        past.length = 0;
        view = now;
        return show();
      }
      await new Promise((done) => setTimeout(done, 1_000));
    }
  }

  async function forget() {
    if (!(await sure(`Delete ${view.name}?`, "The plan and the copy of its video are deleted from the service. Tracks stay.", "Delete"))) return;
    try {
      await remove(path);
      location.hash = "#/score";
    } catch (problem) {
      put(notice, trouble(problem));
    }
  }
}

/** Draw something anew; what had the focus has it again. */
function keepingFocus(place, draw) {
  const part = document.activeElement?.dataset?.part;
  draw();
  if (part) place.querySelector(`[data-part="${CSS.escape(part)}"]`)?.focus({ preventScroll: true });
}

/** One menu at a time; Escape and a click elsewhere close it. */
function closeMenus(place, signal) {
  const close = (except) => place.querySelectorAll("details.menu[open]").forEach((menu) => menu !== except && (menu.open = false));
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")), { signal });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = place.querySelector("details.menu[open]");
    close(null);
    if (open?.contains(document.activeElement)) open.querySelector("summary").focus();
  }, { signal });
}
