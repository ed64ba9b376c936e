// The library in a plane: alike scenes lie near each other. A list beside it does the same by keyboard.

import { get } from "./api.js";
import { empty, h, heading, loading, put, trouble } from "./dom.js";
import { playing, onPlayer, toggle } from "./player.js";

const REACH_PIXELS = 24;
const MARGIN_PIXELS = 28;
const MOST_LISTED = 500;

export function mapView({ signal }) {
  const place = h("div", {}, loading());
  const open = () => get("v1/map", { limit: 5000 }, signal)
    .then((map) => put(place, map.points.length ? drawn(map, signal) : empty("There is no track yet.", h("p", {}, "Scan a folder of music under ", h("a", { href: "#/work" }, "Work"), "."))))
    .catch((problem) => put(place, trouble(problem, open)));
  open();
  return h("div", {}, heading("Map of the scenes", h("p", { class: "lead" }, "Tracks whose scenes are alike lie near each other. Strong colours are bright moods, large dots have more energy. A click plays.")), place);
}

function drawn(map, signal) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const label = h("p", { class: "map-label", "aria-hidden": "true", hidden: true });
  const words = h("input", { type: "search", "aria-label": "Tracks whose name, artist or tag has", placeholder: "Narrow the list …", oninput: () => list() });
  const names = h("ul", { class: "map-list", "aria-label": "Tracks on the map" });
  const limits = bounds(map.points);
  const asTrack = (point) => ({ id: point.id, title: point.title, path: point.title, duration_seconds: 0 });
  let pointed = null;

  function spot(point) {
    const along = (value, [low, high], size) => MARGIN_PIXELS + ((value - low) / (high - low || 1)) * (size - 2 * MARGIN_PIXELS);
    return [along(point.x, limits.x, canvas.clientWidth), along(point.y, limits.y, canvas.clientHeight)];
  }

  function draw() {
    const scale = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * scale;
    canvas.height = canvas.clientHeight * scale;
    const pen = canvas.getContext("2d");
    const colours = getComputedStyle(canvas);
    pen.scale(scale, scale);
    for (const point of map.points) {
      const [x, y] = spot(point);
      const isOn = point === pointed || point.id === playing().id;
      pen.globalAlpha = isOn ? 1 : 0.3 + 0.7 * ((point.valence + 1) / 2);
      pen.fillStyle = colours.getPropertyValue(isOn ? "--ink" : "--accent");
      pen.beginPath();
      pen.arc(x, y, (isOn ? 3 : 0) + 7 + 4 * point.arousal, 0, 2 * Math.PI);
      pen.fill();
    }
  }

  function point(at) {
    if (at === pointed) return;
    pointed = at;
    label.hidden = !at;
    canvas.classList.toggle("is-on", Boolean(at));
    if (at) {
      const [x, y] = spot(at);
      label.textContent = [at.title, at.artist, at.tag].filter(Boolean).join(" · ");
      label.style.left = `${Math.min(x, canvas.clientWidth - 150)}px`;
      label.style.top = `${y + 14}px`;
    }
    draw();
  }

  function nearest(event) {
    let [best, least] = [null, REACH_PIXELS];
    for (const one of map.points) {
      const [x, y] = spot(one);
      const distance = Math.hypot(x - event.offsetX, y - event.offsetY);
      if (distance < least) [best, least] = [one, distance];
    }
    return best;
  }

  function list() {
    const wanted = words.value.trim().toLowerCase();
    const found = map.points.filter((one) => [one.title, one.artist, one.tag].some((text) => text?.toLowerCase().includes(wanted)));
    put(names, found.slice(0, MOST_LISTED).map((one) => h("li", { onfocusin: () => point(one), onfocusout: () => point(null), onpointerenter: () => point(one), onpointerleave: () => point(null) },
      h("button", { type: "button", class: "plain", "aria-label": `Play ${one.title}`, onclick: () => toggle(asTrack(one)) }, one.title, one.tag && h("span", { class: "small faint" }, ` ${one.tag}`)),
      h("a", { class: "small", href: `#/track/${one.id}`, "aria-label": `Open ${one.title}` }, "open"))));
  }

  canvas.addEventListener("pointermove", (event) => point(nearest(event)));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("click", (event) => { const at = nearest(event); if (at) toggle(asTrack(at)); });
  const watcher = new ResizeObserver(draw);
  watcher.observe(canvas);
  signal.addEventListener("abort", () => watcher.disconnect(), { once: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw, { signal });
  let last = null;
  onPlayer(() => { if (playing().id !== last) { last = playing().id; draw(); } }, signal);
  list();
  return [
    h("div", { class: "map" }, h("div", { class: "plane" }, canvas, label), h("div", { class: "map-side" }, words, names)),
    map.points.length < map.total && h("p", { class: "small faint" }, `${map.points.length} of ${map.total} tracks are shown.`),
  ];
}

function bounds(points) {
  const range = (values) => [Math.min(...values), Math.max(...values)];
  return { x: range(points.map((one) => one.x)), y: range(points.map((one) => one.y)) };
}
