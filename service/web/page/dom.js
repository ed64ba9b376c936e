// Making elements. Text always goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("button", { class: "quiet", onclick: play }, "Play"). */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Put children into an element in place of those it has. */
export function put(element, ...children) {
  element.replaceChildren(...shown(children));
}

function shown(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...shown(children));
  return element;
}

/** Say something to screen readers; the same words twice are said twice. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => (live.textContent = text), 60);
}

/** Do something once an element comes near the visible part of the page. */
export function whenSeen(element, action) {
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    action();
  }, { rootMargin: "300px" });
  watcher.observe(element);
}

/** A view's heading, which gets the focus when the view is opened. */
export function heading(text, ...more) {
  return h("header", { class: "heading" }, h("h1", { tabindex: "-1" }, text), ...more);
}

export function loading(text = "Loading …") {
  return h("p", { class: "loading" }, h("span", { class: "spinner", "aria-hidden": "true" }), text);
}

/** What is shown when something failed: why, what to do, and a way to try it again. */
export function trouble(problem, again) {
  if (problem.name === "AbortError") return h("p");
  return h("div", { class: "trouble", role: "alert" },
    h("p", {}, problem.message),
    problem.advice && h("p", { class: "small" }, problem.advice),
    again && h("button", { type: "button", onclick: again }, "Try again"),
    problem.requestId && h("p", { class: "small faint" }, `Request ${problem.requestId}`));
}

/** What is shown where there is nothing. */
export function empty(title, ...more) {
  return h("div", { class: "empty" }, h("p", { class: "strong" }, title), ...more);
}

/** Offer text as a file. */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
