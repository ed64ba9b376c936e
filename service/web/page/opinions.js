// "Fits" and "not this": what a person says about the tracks of a brief, and its taking back.

import { post, remove } from "./api.js";

const said = new Map(); // brief -> track id -> { id, verdict }

export function opinionOn(brief, trackId) {
  return said.get(brief)?.get(trackId) ?? null;
}

/** Say it; the service's next answers go by it. */
export async function say(brief, captions, trackId, verdict) {
  const opinion = await post("v1/feedback", { track_id: trackId, captions, verdict });
  if (!said.has(brief)) said.set(brief, new Map());
  said.get(brief).set(trackId, { id: opinion.id, verdict });
}

export async function takeBack(brief, trackId) {
  const opinion = opinionOn(brief, trackId);
  if (!opinion) return;
  await remove(`v1/feedback/${opinion.id}`);
  said.get(brief).delete(trackId);
}
