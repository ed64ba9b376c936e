// Talking to the service: JSON, problems, keys and streams of events.

import { askForKey, currentKey } from "./key.js";

const PATIENCE = 4; // how often a service that is warming up is asked again

/** Why a request failed (RFC 9457). */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.title || `The service answered ${status}.`);
    this.status = status;
    this.code = (body.type || "").replace("urn:musiscene:", "");
    this.parts = body.errors ?? [];
    this.requestId = (body.instance || "").replace("urn:musiscene:request:", "");
    this.advice = ADVICE[this.code];
  }
}

const OFFLINE = { title: "The service does not answer.", type: "urn:musiscene:offline" };
const ADVICE = {
  "offline": "Is it still running? musiscene serve starts it.",
  "nothing-indexed": "Open Work and scan a folder of music, or run: musiscene index FOLDER",
  "scope-missing": "Ask for a key with that scope, or make one: musiscene keys create",
  "not-local": "Open the page at http://127.0.0.1 on the machine that serves it, or use a key.",
  "path-not-allowed": "Folders have to be named in the setting library_roots, or indexed once by hand.",
  "video-tools-missing": "Install them with: pip install 'musiscene[video]'",
  "video-unusable": "Export the cut anew, as H.264 in mp4 or mov, and send that.",
  "disk-full": "Delete videos that were scored before, below; then send it again.",
  "too-many-uploads": "Wait until another video has come, then send it again.",
  "cue-edit-invalid": "The plan is as it was.",
  "generator-missing": "Install it with: pip install 'musiscene[compose]'",
};

/** Address of something in the API, wherever the page lies. */
export function address(path, parameters = {}) {
  const chosen = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(chosen).toString();
  return path.replace(/^\//, "") + (query ? `?${query}` : "");
}

function headers(more = {}) {
  const key = currentKey();
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

async function send(url, options) {
  try {
    return await fetch(url, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, OFFLINE);
  }
}

async function refusal(response) {
  return new Problem(response.status, await response.json().catch(() => ({})));
}

/** The response to a request; asks for a key where one is needed. */
export async function request(url, options = {}) {
  for (let tries = 1; ; tries += 1) {
    const response = await send(url, options);
    if (response.ok) return response;
    const problem = await refusal(response);
    if (response.status === 401 && (await askForKey(problem.message))) continue;
    const wait = Number(response.headers.get("Retry-After"));
    if (response.status !== 503 || !wait || tries >= PATIENCE) throw problem;
    await pause(wait * 1_000, options.signal);
  }
}

/** What the API answers to a question. */
export async function get(path, parameters = {}, signal = undefined) {
  return (await request(address(path, parameters), { signal })).json();
}

/** Send JSON; what the API answers. */
export async function post(path, body, signal = undefined) {
  const response = await request(address(path), {
    method: "POST", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  });
  return response.json();
}

export async function remove(path) {
  const response = await request(address(path), { method: "DELETE" });
  return response.status === 204 ? null : response.json();
}

/** Change something by JSON; what the API answers. */
export async function patch(path, body, signal = undefined) {
  const response = await request(address(path), {
    method: "PATCH", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  });
  return response.json();
}

/** Send a form with files; `onprogress` is called with the share that is sent. */
export function upload(path, form, { onprogress = () => {}, signal } = {}) {
  return new Promise((done, failed) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", address(path));
    for (const [name, value] of Object.entries(headers())) sending.setRequestHeader(name, value);
    sending.responseType = "json";
    sending.upload.addEventListener("progress", (event) => event.lengthComputable && onprogress(event.loaded / event.total));
    sending.addEventListener("load", () => {
      if (sending.status < 300) done(sending.response);
      else failed(new Problem(sending.status, sending.response ?? {}));
    });
    sending.addEventListener("error", () => failed(new Problem(0, OFFLINE)));
    sending.addEventListener("abort", () => failed(new DOMException("The upload was cancelled.", "AbortError")));
    signal?.addEventListener("abort", () => sending.abort(), { once: true });
    sending.send(form);
  });
}

/** Address that an audio element can play. */
export function audioAddress(trackId) {
  return mediaAddress(`v1/tracks/${trackId}/audio`);
}

/** Address that a media element can play; with a key the file is fetched first. */
export async function mediaAddress(path) {
  if (!currentKey()) return path;
  return URL.createObjectURL(await (await request(path)).blob());
}

/** Address of a small picture; with a key the picture itself. */
export async function pictureAddress(path, signal = undefined) {
  if (!currentKey()) return path;
  const reader = new FileReader();
  reader.readAsDataURL(await (await request(path, { signal })).blob());
  return new Promise((done) => reader.addEventListener("load", () => done(reader.result)));
}

/** A job each time it changes, until it ends. A stream that breaks is taken up where it was. */
export async function* follow(path, signal) {
  let last = null;
  for (;;) {
    try {
      const response = await request(address(`${path}/events`), {
        signal, headers: last ? { "Last-Event-ID": last } : {},
      });
      if (response.status === 204) return;
      for await (const event of eventsOf(response.body)) {
        last = event.id ?? last;
        if (event.data) yield JSON.parse(event.data);
        if (event.event === "done") return;
      }
    } catch (problem) {
      if (signal.aborted) return;
      if (problem instanceof Problem && problem.status && problem.status < 500) throw problem;
    }
    await pause(2_000, signal);
    if (signal.aborted) return;
  }
}

async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      yield Object.fromEntries(block.split("\n").filter((line) => !line.startsWith(":"))
        .map((line) => line.match(/^(\w+): ?(.*)$/s)?.slice(1) ?? ["", ""]));
    }
  }
}

function pause(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}
