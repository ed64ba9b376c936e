// What takes an edit back: the edits that make a cue what it was.

/** Edits that lead from `after` to `before`; null where no edits can. */
export function inverse(before, after) {
  const now = new Map(after.cues.map((cue) => [cue.id, cue]));
  const gone = before.cues.filter((cue) => !now.has(cue.id));
  if (gone.some((cue) => cue.kind !== "silence" || cue.is_pinned)) return null; // silence comes back where another cue leaves
  const edits = before.cues.filter((cue) => now.has(cue.id)).map((cue) => back(cue, now.get(cue.id)));
  return edits.includes(null) ? null : edits.flat();
}

function back(was, is) {
  const edits = [];
  const add = (action, more = {}) => edits.push({ action, cue: was.id, ...more });
  const track = was.chosen?.track.id;
  if (was.is_pinned !== is.is_pinned && is.is_pinned) add("unpin");
  const source = track && { source_start_seconds: was.chosen.source_start_seconds };
  if (track && (is.kind !== "track" || track !== is.chosen?.track.id)) add("swap", { track, ...source });
  else if (was.kind !== is.kind) {
    if (was.kind !== "silence") return null;
    add("silence");
  }
  if (hasMoved(was, is) && !edits.some((edit) => edit.action === "swap")) {
    add("trim", { start_frame: was.start_frame, end_frame: was.end_frame, ...source });
  }
  if (was.is_muted !== is.is_muted) add(was.is_muted ? "mute" : "unmute");
  if (was.usage !== is.usage) add("usage", { usage: was.usage });
  if (was.is_pinned && !is.is_pinned) add("pin");
  return edits;
}

function hasMoved(was, is) {
  return was.start_frame !== is.start_frame || was.end_frame !== is.end_frame
    || (was.chosen?.source_start_seconds ?? 0) !== (is.chosen?.source_start_seconds ?? 0);
}
