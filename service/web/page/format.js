// How values are shown to people.

/** Seconds as 1:05. */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** 90, "1:30" or "1m30" -> seconds; null for nothing, NaN for what is no length. */
export function seconds(text) {
  const wanted = text.trim();
  if (!wanted) return null;
  const parts = wanted.match(/^(?:(\d+)(?::|m\s*))?(\d+(?:\.\d+)?)\s*s?$/);
  return parts ? Number(parts[1] ?? 0) * 60 + Number(parts[2]) : NaN;
}

export function fileName(path) {
  return path.split(/[\\/]/).pop();
}

/** The folder that a file lies in. */
export function folderOf(path) {
  return path.split(/[\\/]/).at(-2) ?? "";
}

/** What a track is called: its title, or else its file's name without the ending. */
export function nameOf(track) {
  return track.title || fileName(track.path).replace(/\.[^.]+$/, "");
}

export function keyName(key) {
  return key.replace("#", "♯").replace(/^([A-G])b/, "$1♭").replace(":", " ");
}

export function vocals(probability) {
  return probability >= 0.5 ? "vocals" : "no vocals";
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** How sure the service is that a person would call a track fitting. */
export function sureness(confidence) {
  if (confidence >= 0.5) return "very likely fits";
  if (confidence >= 0.3) return "likely fits";
  if (confidence >= 0.2) return "may fit";
  return "a long shot";
}

/** The facts of a track as [label, text]. */
export function factsOf(track) {
  return [
    ["Tempo", `${Math.round(track.bpm)} bpm`],
    ["Key", keyName(track.key)],
    ["Length", clock(track.duration_seconds)],
    track.loudness_lufs !== null && ["Loudness", `${track.loudness_lufs.toFixed(1).replace("-", "−")} LUFS`],
    track.vocal_probability !== undefined && ["Vocals", vocals(track.vocal_probability)],
    track.licence && ["Licence", track.licence],
  ].filter(Boolean);
}

/** Rough time, for what is still to come. */
export function about(duration) {
  if (duration < 90) return `${Math.max(1, Math.round(duration))} s`;
  if (duration < 5400) return `${Math.round(duration / 60)} min`;
  return `${Math.round(duration / 3600)} h`;
}

export function when(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
