// Frames, seconds and SMPTE timecodes of a video.

const DROPPED_PER_MINUTE = 2; // numbers that 29.97 drop frame leaves out; twice as many at 59.94

/** Everything about a video's frames, from what is known of its file. */
export function frameClock(video) {
  const [over, under = 1] = video.frame_rate.split("/").map(Number);
  const rate = over / under;
  const nominal = Math.round(rate);
  const isDrop = (video.start_timecode ?? "").includes(";");
  const first = video.start_timecode ? numberOf(video.start_timecode) : 0;

  /** A timecode -> how many frames after 00:00:00:00; NaN if it is none. */
  function numberOf(text) {
    const parts = text.trim().split(/[:;.]/);
    if (parts.length < 2 || parts.length > 4 || parts.some((part) => !/^\d{1,3}$/.test(part))) return NaN;
    const [frames, seconds, minutes = 0, hours = 0] = parts.reverse().map(Number);
    if (frames >= nominal || seconds > 59 || minutes > 59) return NaN;
    const all = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames;
    if (!isDrop) return all;
    const whole = hours * 60 + minutes;
    return all - dropped() * (whole - Math.floor(whole / 10));
  }

  function dropped() {
    return (DROPPED_PER_MINUTE * nominal) / 30;
  }

  /** The number that a frame is called by, once the ones that are left out are counted. */
  function named(count) {
    if (!isDrop) return count;
    const minute = nominal * 60 - dropped();
    const ten = minute * 10 + dropped();
    const [tens, rest] = [Math.floor(count / ten), count % ten];
    return count + dropped() * (9 * tens + Math.max(0, Math.floor((rest - dropped()) / minute)));
  }

  function code(frame) {
    const number = named(first + Math.round(frame));
    const seconds = Math.floor(number / nominal);
    const two = (value) => String(value).padStart(2, "0");
    return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${isDrop ? ";" : ":"}${two(number % nominal)}`;
  }

  /** What somebody typed -> frame of the video; from the first frame on if it lies before that one's timecode. */
  function parse(text) {
    const number = numberOf(text);
    return number >= first ? number - first : number;
  }

  return {
    rate, nominal, code, parse,
    frameAt: (seconds) => Math.floor(seconds * rate + 0.001),
    nearest: (seconds) => Math.round(seconds * rate),
    secondsAt: (frame) => frame / rate,
    at: (seconds) => code(Math.floor(seconds * rate + 0.001)),
  };
}
