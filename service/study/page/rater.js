// Who answers: a token behind the # of the address, remembered by this browser alone.

const HERE = new URL(".", location.href);
const KEY = `musiscene-study:${HERE.pathname}`;

export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The token of the address, or else the one that was used here before. */
export function rememberedToken() {
  const named = location.hash.slice(1);
  if (named) store(named);
  return named || kept();
}

export function remember(token) {
  store(token);
  history.replaceState(null, "", `#${token}`);
}

/** The address with which one can go on elsewhere. */
export function link() {
  return new URL(`#${rememberedToken()}`, HERE).href;
}

/** Where a part of the study is. */
export function place(path) {
  return new URL(path, HERE).href;
}

/** Ask the service; its answer, or a Problem in words for people. */
export async function call(method, path, body) {
  const token = rememberedToken();
  const headers = token ? { "X-Rater": token } : {};
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(place(path), { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Problem("The study cannot be reached at the moment. Your answers so far are kept.", 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(answer.title ?? "The study does not answer as it should.", response.status);
}

// Without storage, as in some private windows, the address alone remembers.
function store(token) {
  try { localStorage.setItem(KEY, token); } catch { /* the address has it */ }
}

function kept() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}
