// Which view is shown: the page's address says it, so that back and forward work.

import { get } from "./api.js";
import { h, put } from "./dom.js";
import { findView } from "./find.js";
import { currentKey, forgetKey } from "./key.js";
import { libraryView } from "./library.js";
import { makeView } from "./make.js";
import { mapView } from "./map.js";
import { scoreView } from "./spotting.js";
import { similarView, trackView } from "./track.js";
import { workView } from "./work.js";

const VIEWS = { find: findView, library: libraryView, map: mapView, make: makeView, score: scoreView, work: workView, track: trackView, similar: similarView };
const TITLES = { find: "Find", library: "Library", map: "Map", make: "Make music", score: "Score a video", work: "Work", track: "Track", similar: "Similar" };
const main = document.getElementById("main");
let shown = null;

function show({ isFirst = false } = {}) {
  const [route, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "find", id = ""] = route.split("/");
  const known = name in VIEWS ? name : "find";
  shown?.abort();
  shown = new AbortController();
  const view = VIEWS[known]({ id, parameters: new URLSearchParams(query), signal: shown.signal, reload: show });
  main.replaceChildren(view);
  document.title = `${TITLES[known]} – MusiScene`;
  for (const link of document.querySelectorAll("nav [data-view]")) {
    if (link.dataset.view === known) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isFirst) return;
  window.scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
}

async function tellState() {
  const state = document.getElementById("state");
  try {
    const { tracks } = await get("health/ready");
    put(state, `${tracks} ${tracks === 1 ? "track" : "tracks"} in the library`);
  } catch (problem) {
    put(state, problem.message);
  }
  if (currentKey()) state.append(" · ", h("button", { type: "button", class: "plain", onclick: () => { forgetKey(); location.reload(); } }, "Forget the key"));
}

// The skip link moves the focus; the address stays the view's.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => show());
show({ isFirst: true });
tellState();
