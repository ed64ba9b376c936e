// What the picture is, on a timeline: its scenes, how lively it is, and where somebody speaks.

import { pictureAddress } from "./api.js";
import { h, svg, whenSeen } from "./dom.js";
import { percent } from "./format.js";
import { placed, roving } from "./timeline-layout.js";

const SOURCES = { given: "given", model: "seen by", measured: "measured" };

/** A scene in words: what it shows, who says so, and what was measured. */
export function sceneWords(scene, clock) {
  const [caption] = scene.captions;
  const { facts } = scene;
  const source = caption && (caption.source === "model" ? `seen by ${caption.by}` : SOURCES[caption.source]);
  return [
    h("span", { class: "strong" }, `Scene ${scene.number + 1}`), " ",
    h("span", { class: "faint" }, `${clock.code(scene.start_frame)}–${clock.code(scene.end_frame)}`), " ",
    caption ? h("q", {}, caption.text) : "no caption", " ",
    h("span", { class: "faint" }, [
      source, `${Math.round(facts.cuts_per_minute)} cuts a minute`, `motion ${percent(facts.motion)}`,
      facts.speech > 0.01 && `speech ${percent(facts.speech)}`, scene.no_music && "no music wanted",
    ].filter(Boolean).join(" · ")),
  ];
}

export function sceneRow(plan, { clock, whole, transport, address, point, signal }) {
  const row = h("div", { class: "tl-row tl-scenes", role: "group", "aria-label": "Scenes" }, plan.scenes.map(one));
  roving(row, ".tl-scene");
  return row;

  function one(scene) {
    const text = scene.captions[0]?.text ?? "no caption";
    const strip = h("span", { class: "tl-strip" });
    const cell = h("button", {
      type: "button", class: scene.no_music ? "tl-scene no-music" : "tl-scene", tabindex: scene.number ? "-1" : "0",
      "aria-label": `Scene ${scene.number + 1}, ${clock.code(scene.start_frame)} to ${clock.code(scene.end_frame)}: ${text}${scene.no_music ? ", no music wanted" : ""}`,
      onclick: (event) => event.detail === 0 && transport.seek(scene.start_seconds + 0.0005),
      onpointerenter: () => point(scene), onpointerleave: () => point(null), onfocus: () => point(scene), onblur: () => point(null),
    }, strip, h("span", { class: "tl-caption" }, text));
    whenSeen(cell, async () => {
      const found = await pictureAddress(`${address}/keyframes/${scene.number}`, signal).catch(() => null);
      if (found) strip.style.backgroundImage = `url("${found}")`;
    });
    return placed(cell, scene.start_seconds, scene.end_seconds, whole());
  }
}

/** How lively the picture is, second by second, and below it the voices. */
export function livelinessRow(plan, { whole }) {
  const values = plan.activity;
  const points = values.map((value, second) => `${second + 0.5} ${(1 - 0.92 * value).toFixed(3)}`).join("L");
  const curve = values.length > 1 && svg("svg", {
    class: "tl-activity", viewBox: `0 0 ${whole()} 1`, preserveAspectRatio: "none", role: "img",
    "aria-label": `How lively the picture is; most at second ${values.indexOf(Math.max(...values))}`,
  }, svg("path", { d: `M0 1L0 ${1 - 0.92 * values[0]}L${points}L${whole()} ${1 - 0.92 * values.at(-1)}L${whole()} 1Z` }));
  const voices = plan.speech.map(([from, to]) => placed(h("span", { class: "tl-voice" }), from, to, whole()));
  return [
    h("div", { class: "tl-row tl-picture" }, curve),
    h("div", { class: "tl-row tl-voices", role: "img", "aria-label": plan.speech.length ? `${plan.speech.length} stretches of speech` : "No speech" }, voices),
  ];
}

/** Thin lines where scenes meet, over all rows. */
export function cutLines(plan) {
  const lines = plan.scenes.slice(1).map((scene) => `M${scene.start_frame} 0V1`).join("");
  return svg("svg", { class: "tl-cuts", viewBox: `0 0 ${plan.video.frames} 1`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: lines }));
}
