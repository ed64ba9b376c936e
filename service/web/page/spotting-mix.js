// How loud the music of a plan is at each moment, as the preview mixes it.

const ATTACK_SECONDS = 0.25; // so long before a voice the music begins to go down
const RELEASE_SECONDS = 0.6; // so long after it, the music is back
const FADE_STEPS = 8; // of a fade, where it is drawn
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
    const away = Math.max((duck.start_seconds - at) / ATTACK_SECONDS, (at - duck.end_seconds) / RELEASE_SECONDS, 0);
    return duck.gain_db * Math.max(0, 1 - away);
  }));
}

/** Of the fades alone, which are of equal power, 0 to 1; 0 outside of the cue. */
export function fadeAt(cue, at) {
  if (at < cue.start_seconds || at >= cue.end_seconds) return 0;
  const share = (into, fade) => Math.sin((Math.PI / 2) * (fade ? Math.min(1, into / fade) : 1));
  return share(at - cue.start_seconds, cue.fade_in_seconds) * share(cue.end_seconds - at, cue.fade_out_seconds);
}

/** What the cue's music is multiplied by at a second of the video. */
export function gainAt(cue, at) {
  if (cue.is_muted) return 0;
  return fadeAt(cue, at) * factor(cue.gain_db + duckAt(cue, at));
}

/** The moments of a cue between which its level goes about straight, in order. */
export function levelTimes(cue) {
  const { start_seconds: start, end_seconds: end } = cue;
  const steps = Array.from({ length: FADE_STEPS + 1 }, (_, step) => step / FADE_STEPS);
  const times = [
    ...steps.map((share) => start + share * cue.fade_in_seconds), ...steps.map((share) => end - 1e-6 - share * cue.fade_out_seconds),
    ...cue.ducks.flatMap((duck) => [duck.start_seconds - ATTACK_SECONDS, duck.start_seconds, duck.end_seconds, duck.end_seconds + RELEASE_SECONDS]),
  ];
  return times.filter((at) => at >= start && at < end).sort((one, other) => one - other);
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
