// How loud the music of a plan is at each moment, as the preview mixes it.

export const DUCK_FADE_SECONDS = 0.3;
export const SILENT_DB = -60;

/** Decibels -> factor. */
export function factor(decibels) {
  return decibels <= SILENT_DB ? 0 : 10 ** (decibels / 20);
}

export function hasMusic(cue) {
  return cue.kind === "track" && cue.chosen !== null;
}

/** The cue at a second of the video. */
export function cueAt(plan, at) {
  return plan.cues.find((cue) => at < cue.end_seconds) ?? plan.cues.at(-1) ?? null;
}

/** Of the ducks alone, in decibels, 0 or less. */
export function duckAt(cue, at) {
  return Math.min(0, ...cue.ducks.map((duck) => {
    const away = Math.max(duck.start_seconds - at, at - duck.end_seconds, 0);
    return duck.gain_db * Math.max(0, 1 - away / DUCK_FADE_SECONDS);
  }));
}

/** Of the fades alone, 0 to 1; 0 outside of the cue. */
export function fadeAt(cue, at) {
  if (at < cue.start_seconds || at >= cue.end_seconds) return 0;
  const rising = cue.fade_in_seconds ? (at - cue.start_seconds) / cue.fade_in_seconds : 1;
  const falling = cue.fade_out_seconds ? (cue.end_seconds - at) / cue.fade_out_seconds : 1;
  return Math.max(0, Math.min(1, rising, falling));
}

/** What the cue's music is multiplied by at a second of the video. */
export function gainAt(cue, at) {
  if (cue.is_muted) return 0;
  return fadeAt(cue, at) * factor(cue.gain_db + duckAt(cue, at));
}

/** A plan in which one cue plays another track, about as loud as the one it has. */
export function tried(plan, cueId, other) {
  const loudness = (one) => one?.track.loudness_lufs ?? null;
  const swap = (cue) => {
    const [had, has] = [loudness(cue.chosen), loudness(other)];
    const gain = cue.gain_db + (had !== null && has !== null ? had - has : 0);
    return { ...cue, kind: "track", chosen: other, is_muted: false, gain_db: gain };
  };
  return { ...plan, cues: plan.cues.map((cue) => (cue.id === cueId ? swap(cue) : cue)) };
}
