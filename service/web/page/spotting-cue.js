// One cue: why it is what it is, other tracks for it, and everything that can be changed in it.

import { h } from "./dom.js";
import { nameOf, percent, sureness } from "./format.js";
import { hasMusic } from "./spotting-mix.js";
import { lateness, titleOf } from "./timeline-cues.js";
import { reach, trimEdit } from "./timeline-drag.js";

const USAGES = [["background", "Background"], ["visual", "Seen in the picture"], ["theme", "Theme"]];
const LANDINGS = { turn: "A new part begins", peak: "Its loudest moment", start: "Its own start", ending: "Its own ending" };

/** What may be done with a track, in a word or two. */
export function licenceWords(track) {
  return track.licence ?? "not on file";
}

/** The panel of a chosen cue. */
export function cuePanel(cue, { plan, clock, transport, edit, generation, make }) {
  const place = plan.cues.indexOf(cue);
  const act = (action, more = {}) => () => edit([{ action, cue: cue.id, ...more }], action);
  return h("section", { class: "cue-panel", "aria-label": `Cue ${place + 1}` },
    head(), cue.notice && h("p", { class: "notice small" }, cue.notice), buttons(),
    cue.kind === "open" && making(), hasMusic(cue) && why(), trimFields(), others());

  function head() {
    const long = cue.end_seconds - cue.start_seconds;
    const { chosen } = cue;
    return h("header", { class: "cue-head" },
      h("p", { class: "small faint" }, `Cue ${place + 1} of ${plan.cues.length} · `, h("span", { class: "timecode" }, `${clock.code(cue.start_frame)} – ${clock.code(cue.end_frame)}`), ` · ${long.toFixed(1)} s`),
      h("h2", { tabindex: "-1" }, hasMusic(cue) ? h("a", { href: `#/track/${chosen.track.id}` }, titleOf(cue)) : titleOf(cue),
        hasMusic(cue) && chosen.track.generated && h("span", { class: "badge" }, "generated")),
      hasMusic(cue) && h("p", { class: "small faint" }, [chosen.track.artist, `${Math.round(chosen.track.bpm)} bpm`].filter(Boolean).join(" · "), " · licence: ",
        h("span", { class: chosen.track.licence ? "strong" : "strong missing" }, licenceWords(chosen.track))));
  }

  function buttons() {
    return h("div", { class: "row cue-buttons" },
      h("button", { type: "button", "data-part": "pin", "aria-pressed": String(cue.is_pinned), onclick: act(cue.is_pinned ? "unpin" : "pin"), title: "A pinned cue stays as it is in new plans and new cuts" }, "Pin"),
      hasMusic(cue) && h("button", { type: "button", "data-part": "mute", "aria-pressed": String(cue.is_muted), onclick: act(cue.is_muted ? "unmute" : "mute") }, "Mute"),
      cue.kind !== "silence" && h("button", { type: "button", "data-part": "silence", disabled: cue.is_pinned, onclick: act("silence"), title: "No music here" }, "Silence"),
      hasMusic(cue) && usageField());
  }

  function usageField() {
    const select = h("select", { "aria-label": "Usage on the cue sheet", "data-part": "usage", onchange: () => edit([{ action: "usage", cue: cue.id, usage: select.value }], "usage") },
      USAGES.map(([name, label]) => h("option", { value: name, selected: name === cue.usage || null }, label)));
    return select;
  }

  function making() {
    if (generation) return generation;
    return h("div", { class: "maker" }, h("button", { type: "button", class: "primary", "data-part": "make", onclick: () => make(cue) }, "Make music for this"));
  }

  function why() {
    const { chosen } = cue;
    const deepest = Math.min(0, ...cue.ducks.map((duck) => duck.gain_db));
    return h("div", { class: "why" },
      chosen.reason && h("p", {}, chosen.reason),
      h("dl", { class: "facts" }, fact("Confidence", `${percent(chosen.confidence)}, ${sureness(chosen.confidence)}`), fact("Suits the scenes", chosen.fit.toFixed(2)),
        fact("In step with the picture", signed(chosen.energy_fit, 2)),
        fact("Voice it would cover", `${percent(chosen.masking)}${deepest < 0 ? `, so it is ducked by up to ${Math.abs(deepest).toFixed(1)} dB` : ""}`),
        fact("Comes in on", `${cutWords(chosen.starts_at)}, goes out on ${cutWords(chosen.ends_at)}`), fact("Level", `${signed(cue.gain_db, 1)} dB`)),
      chosen.landings.length > 0 && h("ul", { class: "landings small", "aria-label": "Landings" }, chosen.landings.map((landing) =>
        h("li", {}, h("button", { type: "button", class: "plain timecode", onclick: () => transport.seek(Math.max(0, landing.video_seconds - 2)) , "aria-label": `Go to two seconds before ${clock.at(landing.video_seconds)}` }, clock.at(landing.video_seconds)),
          ` ${LANDINGS[landing.kind]}, ${lateness(landing)}`))));
  }

  function trimFields() {
    return h("div", { class: "fields trim" }, frameField("In", "start", cue.start_frame), frameField("Out", "end", cue.end_frame), hasMusic(cue) && sourceField());
  }

  function frameField(label, part, frame) {
    const id = `trim-${part}`;
    const [least, most] = reach(part, { cue, place, plan, clock });
    const input = h("input", { id, class: "timecode", "data-part": id, value: clock.code(frame), disabled: cue.is_pinned, autocomplete: "off", spellcheck: "false", onchange: take, onkeydown: nudge, oninput: () => input.setCustomValidity("") });
    return h("div", {}, h("label", { for: id }, label), input);

    function take() {
      const wanted = clock.parse(input.value);
      if (wanted === frame) return;
      if (!(wanted >= least && wanted <= most)) return refuse(input, `A timecode from ${clock.code(least)} to ${clock.code(most)}: the track and its neighbours go no further`);
      edit([trimEdit(cue, part, wanted)], `${part} of the cue`);
    }

    function nudge(event) {
      const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      const now = clock.parse(input.value);
      if (!by || Number.isNaN(now)) return;
      event.preventDefault();
      input.value = clock.code(Math.max(0, now + by * (event.shiftKey ? clock.nominal : 1)));
    }
  }

  function sourceField() {
    const { track, source_start_seconds: was } = cue.chosen;
    const input = h("input", { id: "trim-source", type: "number", "data-part": "source", disabled: cue.is_pinned, step: "0.05", min: "0", max: track.duration_seconds.toFixed(2), value: was.toFixed(2), onchange: take });
    return h("div", {}, h("label", { for: "trim-source" }, "Track from (s)"), input);
    function take() {
      const wanted = input.valueAsNumber;
      if (!input.checkValidity() && !(wanted >= 0 && wanted < track.duration_seconds)) return input.reportValidity();
      if (Math.abs(wanted - was) > 0.004) edit([{ action: "trim", cue: cue.id, source_start_seconds: wanted }], "in point");
    }
  }

  function others() {
    if (!cue.alternatives.length) return null;
    return h("div", { class: "others" }, h("h3", {}, cue.kind === "open" ? "Near misses" : "Other tracks"),
      h("ul", { class: "alternatives" }, cue.alternatives.map((other) => {
        const name = nameOf(other.track);
        return h("li", {},
          h("button", { type: "button", class: "play", "aria-label": `Try ${name} in place`, "data-part": `try ${other.track.id}`, onclick: () => transport.try(cue, other) }),
          h("div", { class: "naming" }, h("span", { class: "strong" }, name), other.track.generated && h("span", { class: "badge" }, "generated"),
            h("p", { class: "small faint" }, [other.track.artist, percent(other.confidence), `licence: ${licenceWords(other.track)}`].filter(Boolean).join(" · "))),
          h("button", { type: "button", "aria-label": `Swap in ${name}`, "data-part": `swap ${other.track.id}`, title: other.reason || null, disabled: cue.is_pinned, onclick: act("swap", { track: other.track.id }) }, "Swap in"));
      })));
  }
}

function cutWords(point) {
  return { "track start": "the track's start", "track end": "the track's end", free: "no beat" }[point] ?? `a ${point}`;
}

function fact(label, text) {
  return h("div", {}, h("dt", {}, label), h("dd", {}, text));
}

function signed(value, digits) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}

function refuse(input, words) {
  input.setCustomValidity(words);
  input.reportValidity();
}
