// A player that shows single frames, so that what is seen is what is labelled.
//
//   const player = await Player.open(element, "/videos/talk", { boxes, sound: true });
//   player.addEventListener("frame", () => note(player.frame, player.time));
//
// Every picture comes from the server by its number (`frame_routes`) and says which frame it is;
// another than the one asked for is an error, never shown. `frame` and `time` (seconds, by the file's
// own times) change in the same instant as the picture, and are in the element's `data-frame` and
// `data-time`. Play skips frames where the machine is too slow, and says a frame's number only when it
// is drawn.
//
// options.boxes(frame): faces to draw, [{x0, y0, x1, y1, label, active}] in pixels of the picture;
// the view follows the active one when zoomed. options.sound: whether to play the video's sound, which
// then is the clock. options.keys = false: the player takes no keys (an app may call `player.key(event)`).
//
// Events: "frame" (drawn), "state" (playing, rate, loop or zoom changed), "failure" (detail: text).
import { api, ServerError } from "mien";

export const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
const BITMAP_BYTES = 160 * 2 ** 20; // decoded pictures kept
const AT_ONCE = 4; // requests for pictures that are under way
const STALL_S = 0.25; // how far the picture may stay behind before the clock waits
const SCREEN_HZ = 60;
const ZOOM_ROOM = 0.9; // around the face's box when zoomed, as a share of its longer side

/** Number of the last of the rising `times` that is not after `time`; 0 before the first. */
export function frameAt(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

export class Player extends EventTarget {
  /** Open a video below an address of `frame_routes` and show its first frame. */
  static async open(element, address, options = {}) {
    const player = new Player(element, address, await api(`${address}/frames`), options);
    await player.seek(options.start ?? 0);
    return player;
  }

  constructor(element, address, video, options) {
    super();
    Object.assign(this, { element, address, options, video, times: video.times });
    this.frame = -1; // shown
    this.playing = false;
    this.rate = 1;
    this.loop = null; // [first, last], both within
    this.zoomed = false;
    this._wanted = 0;
    this._pictures = new Pictures(address, video);
    this._sound = options.sound && video.sound ? new Audio(`${address}/sound`) : null;
    if (this._sound) this._sound.preservesPitch = true;
    this._build();
  }

  get count() { return this.times.length; }
  get time() { return this.times[this.frame]; }

  /** Show frame n, or the nearest there is. Resolves when it is drawn, or another was asked for. */
  async seek(n) {
    this._wanted = Math.min(Math.max(Math.round(n), 0), this.count - 1);
    if (this.playing) this._restartClock(this.times[this._wanted]);
    this._drawing ??= this._drawWanted().finally(() => { this._drawing = null; });
    await this._drawing;
  }

  /** Pause, and go n frames on, or back where n is negative. */
  async step(n) {
    this.pause();
    await this.seek(this._wanted + n);
  }

  async play() {
    if (this.playing) return;
    const [first, last] = this.loop ?? [0, this.count - 1];
    if (this.frame >= last || this.frame < first) await this.seek(first);
    this.playing = true;
    this._wanted = this.frame;
    this._stride = 1;
    this._restartClock(this.time);
    this._say("state");
    requestAnimationFrame(() => this._tick());
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this._sound?.pause();
    this._wanted = this.frame;
    this._say("state");
  }

  toggle() { return this.playing ? this.pause() : this.play(); }

  setRate(rate) {
    this.rate = Math.min(Math.max(rate, RATES[0]), RATES.at(-1));
    if (this.playing) this._restartClock(this.time);
    this._say("state");
  }

  /** Play frames first to last again and again; null: to the end, once. */
  setLoop(first, last) {
    const inside = (n) => Math.min(Math.max(Math.round(n), 0), this.count - 1);
    this.loop = first == null ? null : [inside(Math.min(first, last)), inside(Math.max(first, last))];
    this._say("state");
  }

  setZoom(on) {
    this.zoomed = on;
    this.redraw();
    this._say("state");
  }

  /** Draw the shown frame again, with what `boxes` says now. */
  redraw() {
    if (this._shown) this._paint();
  }

  /** Handle a key; returns whether it was one of the player's. */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return false;
    const ten = event.shiftKey ? 10 : 1;
    const [first, last] = this.loop ?? [0, this.count - 1];
    const actions = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.step(-ten),
      ArrowRight: () => this.step(ten),
      PageUp: () => this.step(-10),
      PageDown: () => this.step(10),
      Home: () => this.step(-this.count),
      End: () => this.step(this.count),
      "[": () => this.setLoop(this.frame, Math.max(last, this.frame)),
      "]": () => this.setLoop(Math.min(first, this.frame), this.frame),
      "\\": () => this.setLoop(null),
      "-": () => this.setRate(RATES.findLast((rate) => rate < this.rate) ?? RATES[0]),
      "=": () => this.setRate(RATES.find((rate) => rate > this.rate) ?? RATES.at(-1)),
      z: () => this.setZoom(!this.zoomed),
    };
    const action = actions[event.key];
    if (!action) return false;
    event.preventDefault();
    action();
    return true;
  }

  /** Stop, and give the pictures' memory back. */
  close() {
    this.pause();
    this._pictures.clear();
    this.element.replaceChildren();
  }

  // Drawing

  async _drawWanted() {
    while (this._wanted !== this.frame) {
      const n = this._wanted;
      try {
        const picture = await this._pictures.get(n);
        if (!this.playing || n === this._wanted) this._draw(n, picture);
      } catch (error) {
        this._fail(error);
        return;
      }
    }
  }

  _draw(n, picture) {
    this._shown = picture;
    this.frame = n;
    this._paint();
    this.element.dataset.frame = n;
    this.element.dataset.time = this.times[n];
    this._bar.seek.value = n;
    this._bar.seek.setAttribute("aria-valuetext", `frame ${n}, ${this.times[n].toFixed(3)} seconds`);
    this._bar.now.textContent = `${String(n).padStart(String(this.count - 1).length)}/${this.count - 1}  ${clock(this.times[n])}`;
    this._bar.failure.textContent = "";
    this._say("frame");
  }

  _paint() {
    const { width, height } = this.video;
    const faces = this.options.boxes?.(this.frame) ?? [];
    const view = this.zoomed ? zoomOn(faces, width, height) : [0, 0, width, height];
    const pen = this._canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this._shown, ...view, 0, 0, width, height);
    const scale = width / view[2];
    for (const face of faces) drawFace(pen, face, view, scale, width);
  }

  // Playing

  _restartClock(time) {
    this._from = { time, at: performance.now() };
    if (!this._sound) return;
    this._sound.currentTime = time;
    this._sound.playbackRate = this.rate;
    this._sound.play().catch((error) => {
      if (error.name !== "AbortError") this._sound = null; // not allowed, or cannot be played: without
    });
  }

  _clock() {
    if (this._sound && !this._sound.paused && !this._sound.ended) return this._sound.currentTime;
    return this._from.time + ((performance.now() - this._from.at) / 1000) * this.rate;
  }

  _tick() {
    if (!this.playing) return;
    const [first, last] = this.loop ?? [0, this.count - 1];
    const now = this._clock();
    const end = last + 1 < this.count ? this.times[last + 1] : this.video.end_s;
    if (now >= end && this.frame >= last) {
      if (!this.loop) return this.pause();
      this._restartClock(this.times[first]);
      this._fetchAhead(first, last);
      const picture = this._pictures.ready(first);
      if (picture) this._draw(first, picture);
    } else {
      this._advance(Math.min(frameAt(this.times, now), last), last);
    }
    requestAnimationFrame(() => this._tick());
  }

  /** Draw the due frame, or the latest before it that is here; let the clock wait if none is. */
  _advance(due, last) {
    let n = due;
    while (n > this.frame && !this._pictures.ready(n)) n -= 1;
    if (n > this.frame || (due < this.frame && this._pictures.ready(due))) {
      this._wanted = n;
      this._draw(n, this._pictures.ready(n));
    } else if (this.times[due] - this.time > STALL_S * Math.max(this.rate, 1)) {
      this._stride = Math.min(this._stride + 1, 8);
      this._restartClock(this.time);
    }
    this._fetchAhead(Math.max(due, this.frame) + 1, last);
  }

  _fetchAhead(from, last) {
    const perSecond = (this.count / this.video.end_s) * this.rate;
    const stride = Math.max(this._stride, Math.floor(perSecond / SCREEN_HZ) || 1);
    const ahead = Math.min(this._pictures.room >> 1, 12);
    const first = Math.ceil(from / stride) * stride;
    for (let i = 0; i < ahead && this._pictures.busy < AT_ONCE; i += 1) {
      let n = first + i * stride;
      if (n > last) {
        if (!this.loop || !this._pictures.ready(last)) n = last; // with a stride too, or a loop never ends
        else n = this.loop[0] + (n - last - 1);
        if (n > last) break;
      }
      this._pictures.get(n).catch((error) => this._fail(error));
    }
  }

  // Telling

  _fail(error) {
    this.pause();
    this._wanted = this.frame;
    this._bar.failure.textContent = error.message;
    this.dispatchEvent(new CustomEvent("failure", { detail: error.message }));
  }

  _say(what) {
    if (what === "state") this._showState();
    this.dispatchEvent(new CustomEvent(what, { detail: { frame: this.frame, time: this.time } }));
  }

  _showState() {
    const bar = this._bar;
    bar.play.textContent = this.playing ? "Pause" : "Play";
    bar.rate.value = this.rate;
    bar.zoom.setAttribute("aria-pressed", this.zoomed);
    bar.loop.setAttribute("aria-pressed", this.loop !== null);
    bar.loop.textContent = this.loop ? `Loop ${this.loop[0]}–${this.loop[1]}` : "Loop";
  }

  _build() {
    const { element, video } = this;
    element.classList.add("player");
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Video, frame by frame");
    this._canvas = make("canvas", { className: "player-picture", width: video.width, height: video.height });
    this._canvas.setAttribute("role", "img");
    this._canvas.setAttribute("aria-label", "The frame");
    const button = (text, label, action) => {
      const made = make("button", { type: "button", textContent: text, title: label, onclick: action });
      made.setAttribute("aria-label", label);
      return made;
    };
    const bar = (this._bar = {
      back10: button("−10", "10 frames back (Page up)", () => this.step(-10)),
      back: button("−1", "One frame back (left arrow)", () => this.step(-1)),
      play: button("Play", "Play or pause (space)", () => this.toggle()),
      on: button("+1", "One frame on (right arrow)", () => this.step(1)),
      on10: button("+10", "10 frames on (Page down)", () => this.step(10)),
      seek: make("input", { type: "range", className: "player-seek", min: 0, max: this.count - 1, step: 1, value: 0 }),
      now: make("span", { className: "player-now number" }),
      rate: make("select", { title: "Speed (- and =)" }),
      loop: button("Loop", "Loop ([ start, ] end, \\ off)", () => this._toggleLoop()),
      zoom: button("Zoom", "Zoom on the face (z)", () => this.setZoom(!this.zoomed)),
      failure: make("div", { className: "player-said" }),
    });
    bar.play.removeAttribute("aria-label");
    bar.failure.setAttribute("role", "alert");
    bar.seek.setAttribute("aria-label", "Frame");
    bar.seek.oninput = () => { this.pause(); this.seek(Number(bar.seek.value)); };
    bar.rate.setAttribute("aria-label", "Speed");
    bar.rate.append(...RATES.map((rate) => new Option(`${rate}×`, rate)));
    bar.rate.onchange = () => this.setRate(Number(bar.rate.value));
    const { failure, ...controls } = bar;
    const row = make("div", { className: "player-bar" });
    row.append(...Object.values(controls));
    element.replaceChildren(this._canvas, row, failure);
    element.onkeydown = (event) => {
      if (this.options.keys === false || event.defaultPrevented) return;
      if (event.target.matches("select") || (event.key === " " && event.target.matches("button"))) return;
      this.key(event);
    };
    this._showState();
  }

  _toggleLoop() {
    if (this.loop) return this.setLoop(null);
    const last = frameAt(this.times, this.time + 2);
    return this.setLoop(this.frame, last);
  }
}

/** Decoded pictures by frame, the latest used kept; each is checked to be the frame asked for. */
class Pictures {
  constructor(address, { width, height, times }) {
    Object.assign(this, { address, times, busy: 0 });
    this.room = Math.min(Math.max(Math.floor(BITMAP_BYTES / (width * height * 4)), 6), 96);
    this._kept = new Map(); // frame to { promise, bitmap }
  }

  /** The picture of frame n, fetched where it is not here. */
  get(n) {
    const known = this._kept.get(n);
    if (known) {
      this._kept.delete(n); // to the end: used last
      this._kept.set(n, known);
      return known.promise;
    }
    const entry = { bitmap: null, promise: null };
    entry.promise = this._fetch(n).then(
      (bitmap) => (entry.bitmap = bitmap),
      (error) => { this._kept.delete(n); throw error; },
    );
    this._kept.set(n, entry);
    this._evict();
    return entry.promise;
  }

  /** The picture of frame n where it is here, else null. */
  ready(n) {
    return this._kept.get(n)?.bitmap ?? null;
  }

  clear() {
    this._kept.clear();
  }

  async _fetch(n) {
    this.busy += 1;
    try {
      const answer = await fetch(`${this.address}/frames/${n}`).catch(() => {
        throw new ServerError(0, "the server cannot be reached: is `mien` still running?");
      });
      if (!answer.ok) {
        const told = await answer.json().catch(() => null);
        throw new ServerError(answer.status, told?.error ?? `frame ${n}: the server answered ${answer.status}`);
      }
      if (Number(answer.headers.get("X-Frame")) !== n || Number(answer.headers.get("X-Time")) !== this.times[n]) {
        throw new ServerError(0, `frame ${n}: the server sent another; load the page again`);
      }
      return await createImageBitmap(await answer.blob());
    } finally {
      this.busy -= 1;
    }
  }

  _evict() {
    for (const n of this._kept.keys()) {
      if (this._kept.size <= this.room) return;
      this._kept.delete(n); // what is drawn from it still is there: the collector takes it
    }
  }
}

function zoomOn(faces, width, height) {
  const face = faces.find((one) => one.active) ?? faces[0];
  if (!face) return [0, 0, width, height];
  const room = (1 + 2 * ZOOM_ROOM * 0.5) * Math.max(face.x1 - face.x0, face.y1 - face.y0);
  const scale = Math.min(1, Math.max(room / width, room / height));
  const [w, h] = [width * scale, height * scale];
  const at = (middle, size, whole) => Math.min(Math.max(middle - size / 2, 0), whole - size);
  return [at((face.x0 + face.x1) / 2, w, width), at((face.y0 + face.y1) / 2, h, height), w, h];
}

function drawFace(pen, face, [left, top], scale, width) {
  const line = Math.max(width / 400, 1.5);
  const [x, y] = [(face.x0 - left) * scale, (face.y0 - top) * scale];
  const [w, h] = [(face.x1 - face.x0) * scale, (face.y1 - face.y0) * scale];
  pen.setLineDash(face.active === false ? [4 * line, 3 * line] : []);
  for (const [colour, wide] of [["#000", 2 * line], [face.active === false ? "#d9d9d9" : "#ffd24a", line]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    pen.strokeRect(x, y, w, h);
  }
  pen.setLineDash([]);
  if (!face.label) return;
  pen.font = `${Math.round(9 * line)}px system-ui, sans-serif`;
  const wide = pen.measureText(face.label).width + 6 * line;
  pen.fillStyle = "rgb(0 0 0 / 75%)";
  pen.fillRect(x, Math.max(y - 12 * line, 0), wide, 12 * line);
  pen.fillStyle = "#fff";
  pen.fillText(face.label, x + 3 * line, Math.max(y - 12 * line, 0) + 9 * line);
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
