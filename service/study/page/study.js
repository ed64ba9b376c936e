// A study as raters see it: what it is, page after page, thanks.

import { announce, h, put } from "./dom.js";
import { Piece, audioOf, fetchAhead } from "./piece.js";
import { call, link, remember, rememberedToken } from "./rater.js";
import { questionForm } from "./questions.js";

const main = document.getElementById("main");
const IS_TOUCH = matchMedia("(pointer: coarse)").matches;
let pieces = [];

function clear() {
  for (const piece of pieces) piece.stop();
  pieces = [];
}

function show(name, ...children) {
  put(main, h("div", { class: name }, ...children));
  window.scrollTo(0, 0);
  main.querySelector("h1").focus();
}

const heading = (text) => h("h1", { tabindex: "-1" }, text);
const paragraphs = (text) =>
  h("div", { class: "text" }, text.split(/\n\s*\n/).map((one) => h("p", {}, one)));

function trouble(error, again) {
  const box = h("div", { class: "trouble", role: "alert" }, h("p", {}, error.message),
    again && h("button", { type: "button", onclick: () => { box.remove(); again(); } }, "Try again"));
  return box;
}

async function begin() {
  try {
    const about = await call("GET", "about");
    document.title = about.title;
    const session = rememberedToken() ? await call("GET", "session") : null;
    if (session?.agreed) turn(session, about);
    else if (session || about.is_open) intro(about);
    else show("intro", heading(about.title), h("p", {}, "This study is for invited people: open the link that you were given."));
  } catch (error) {
    show("intro", heading("Listening study"), trouble(error, begin));
  }
}

function intro(about) {
  clear();
  const sound = new Piece({ token: about.sound_check, seconds: 0 }, "the test sound", null);
  const agree = h("button", { type: "button", class: "primary", onclick: start }, "I agree, begin");
  const bar = h("div", { class: "bar" }, agree);
  async function start() {
    agree.disabled = true;
    try {
      if (!rememberedToken()) remember((await call("POST", "join")).token);
      turn(await call("POST", "agreement"), about);
    } catch (error) {
      agree.disabled = false;
      bar.after(trouble(error));
    }
  }
  show("intro", heading(about.title), paragraphs(about.welcome),
    h("p", { class: "faint" }, `${about.pages} pages, about ${about.minutes} minutes. You can stop at any time and go on later.`),
    h("h2", {}, "Sound"),
    h("p", {}, "Use headphones if you can. Set the volume by this sound, and leave it as it is."),
    h("div", { class: "pieces" }, sound.element),
    h("h2", {}, "Consent"), paragraphs(about.consent), bar);
  pieces = [sound];
}

function turn(session, about) {
  document.getElementById("later").hidden = false;
  document.getElementById("link").value = link();
  if (session.trial) page(session, about);
  else thanks(session);
}

function thanks(session) {
  clear();
  show("thanks", heading("Done"), paragraphs(session.thanks),
    h("p", {}, "Your completion code: ", h("span", { class: "code" }, session.code)));
  document.getElementById("later").hidden = true;
  announce("Done. Thank you.");
}

function page(session, about) {
  clear();
  const { trial } = session;
  const began = performance.now();
  const title = `Page ${session.done + 1} of ${session.total}`;
  const media = shownMedia(trial);
  const video = media?.tagName === "VIDEO" ? media : null;
  const names = trial.pieces.length > 1 ? ["A", "B"] : ["the music"];
  const opened = trial.pieces.map((piece, at) => new Piece(piece, names[at], video, { onheard, onstart, onfail }));
  const hint = h("p", { class: "small faint" }, `Answers open once you have heard ${names.length > 1 ? "enough of both" : "enough"}.`);
  const form = questionForm(trial.questions, send);
  const keys = h("p", { class: "small faint keys" }, "Keys: ", h("kbd", {}, "space"), " plays, ",
    h("kbd", {}, "1"), "–", h("kbd", {}, String(trial.questions[0].choices.length)), " answer, ", h("kbd", {}, "Enter"), " goes on");
  form.bar.append(keys);

  function onstart(piece) {
    for (const other of opened) if (other !== piece) other.pause();
  }
  function onfail(error) {
    form.element.before(trouble(error, () => page(session, about)));
  }
  function onheard() {
    if (form.isOpen || !opened.every((piece) => piece.isHeard)) return;
    form.open();
    hint.hidden = true;
    announce("You can answer now.");
  }
  async function send(values) {
    const answer = {
      trial: trial.number, pieces: trial.pieces.map((piece) => piece.token), values,
      heard_seconds: opened.map((piece) => piece.heardSeconds),
      plays: opened.reduce((sum, piece) => sum + piece.plays, 0),
      milliseconds: Math.round(performance.now() - began), touch: IS_TOUCH,
    };
    form.busy(true);
    try {
      turn(await call("POST", "answers", answer), about);
    } catch (error) {
      form.busy(false);
      form.element.querySelector(".trouble")?.remove();
      const isStale = error.status === 409;
      form.element.append(trouble(error, isStale ? begin : () => send(values)));
    }
  }

  show("page",
    h("header", { class: "steps" }, heading(title),
      h("progress", { max: session.total, value: session.done, "aria-label": "Pages answered" })),
    media, trial.text && h("blockquote", { class: "scene" }, trial.text),
    h("div", { class: "pieces" }, opened.map((piece) => piece.element)), hint, form.element);
  pieces = opened;
  onheard();
  fetchAhead(session.upcoming);
  announce(title);
}

function shownMedia(trial) {
  if (!trial.media) return null;
  const src = audioOf(trial.media);
  if (/\.(mp4|webm)$/.test(trial.media))
    return Object.assign(h("video", { class: "picture", src, playsinline: true, preload: "auto", loop: true, "aria-label": "The scene" }), { muted: true });
  return h("img", { class: "picture", src, alt: trial.text || "The scene" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== " " || event.target.closest("button, summary, input:not([type=radio])")) return;
  const piece = pieces.find((one) => one.isPlaying) ?? pieces.find((one) => !one.isHeard) ?? pieces[0];
  if (!piece) return;
  event.preventDefault();
  piece.toggle();
});
window.addEventListener("hashchange", () => location.reload());

begin();
