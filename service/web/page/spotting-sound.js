// Where the film's own sound and the music come together: WebAudio, or the elements' own volumes.

/** A mixing desk with two faders, `music` and `film`, each 0 to 1. */
export function mixingDesk(video) {
  const levels = { music: 1, film: 1 };
  let context = null;
  let buses = null;

  function open() {
    if (context || !window.AudioContext) return;
    context = new AudioContext({ latencyHint: "interactive" });
    buses = { music: context.createGain(), film: context.createGain() };
    for (const [name, bus] of Object.entries(buses)) {
      bus.gain.value = levels[name];
      bus.connect(context.destination);
    }
    context.createMediaElementSource(video).connect(buses.film);
    video.volume = 1;
  }

  return {
    levels,
    /** Called by what a person does, since browsers are silent until then. */
    wake() {
      open();
      context?.resume().catch(() => {});
    },
    fade(name, level) {
      levels[name] = level;
      if (buses) buses[name].gain.setTargetAtTime(level, context.currentTime, 0.02);
      else if (name === "film") video.volume = level;
    },
    /** A gain for an element; null where only its own volume is there. */
    connect(element) {
      open();
      if (!context) return null;
      const gain = context.createGain();
      gain.gain.value = 0;
      context.createMediaElementSource(element).connect(gain).connect(buses.music);
      return gain;
    },
    set(gain, element, level, smoothing) {
      if (gain) gain.gain.setTargetAtTime(level, context.currentTime, smoothing);
      else element.volume = Math.min(1, level * levels.music);
    },
    close() {
      context?.close();
    },
  };
}
