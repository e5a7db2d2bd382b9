// Valence and arousal, live: mouse, touch, keys or gamepad, sampled while the video plays and sent as they
// come. Seconds are those of the frame that is shown, and what passed since it was drawn.
import { colour, html } from "mien";
import { useEffect, useRef, useState } from "preact/hooks";
import { traceOf } from "./labels.js";

const SAMPLE_MS = 8; // more than 60 a second, whatever the screen's rate
const SEND_MS = 50;
const DEAD_ZONE = 0.08;
const KEY_PER_S = 1200; // of the full range of 2000
const WINDOW_S = 6; // of the trace, before and after now
const WORDS = [
  ["alarmed", -0.2, 1.0], ["afraid", -0.5, 0.78], ["angry", -0.72, 0.55], ["frustrated", -0.82, 0.25],
  ["astonished", 0.32, 0.9], ["excited", 0.62, 0.68], ["delighted", 0.82, 0.42], ["happy", 0.92, 0.12],
  ["content", 0.84, -0.3], ["relaxed", 0.74, -0.55], ["calm", 0.5, -0.78], ["sleepy", 0.1, -0.98],
  ["tired", -0.34, -0.84], ["bored", -0.6, -0.62], ["sad", -0.84, -0.36], ["miserable", -0.9, -0.08],
];

/** Where the annotator's hand is, [valence, arousal] in -1 to 1, whatever it moves. */
export class Hand {
  constructor() {
    this.at = [0, 0];
    this.device = "mouse";
    this.held = new Set();
    this.centre = [0, 0]; // of the stick at rest
    this.last = performance.now();
  }

  point(x, y, device) {
    this.device = device;
    this.at = [clamp(x), clamp(y)];
  }

  key(event, down) {
    if (!event.key.startsWith("Arrow")) return false;
    if (down) this.held.add(event.key);
    else this.held.delete(event.key);
    if (down) this.device = "keys";
    return true;
  }

  calibrate() {
    const stick = firstStick();
    if (stick) this.centre = stick;
    return stick !== null;
  }

  /** Read stick and keys; to be called for every sample. */
  read() {
    const now = performance.now();
    const by = ((now - this.last) / 1000) * (KEY_PER_S / 1000);
    this.last = now;
    if (this.held.size) {
      const [x, y] = this.at;
      const on = (key) => (this.held.has(key) ? by : 0);
      this.at = [clamp(x + on("ArrowRight") - on("ArrowLeft")), clamp(y + on("ArrowUp") - on("ArrowDown"))];
    }
    const stick = firstStick();
    if (stick) {
      const moved = stick.map((v, i) => v - this.centre[i]);
      const size = Math.hypot(...moved);
      if (size > DEAD_ZONE) this.device = "gamepad";
      if (this.device === "gamepad") {
        const scale = size > DEAD_ZONE ? (size - DEAD_ZONE) / (1 - DEAD_ZONE) / size : 0;
        this.at = [clamp(moved[0] * scale), clamp(-moved[1] * scale)];
      }
    }
    return this.at;
  }
}

const clamp = (v) => Math.min(Math.max(v, -1), 1);

function firstStick() {
  const pad = [...(navigator.getGamepads?.() ?? [])].find((one) => one?.connected && one.axes.length > 1);
  return pad ? [pad.axes[0], pad.axes[1]] : null;
}

/** Records takes of a trace while the player plays. */
export class Recorder extends EventTarget {
  constructor(player, labels, hand, count) {
    super();
    Object.assign(this, { player, labels, hand, count });
    this.take = null;
    this.drawn = performance.now();
    this.onFrame = () => {
      this.drawn = performance.now();
      if (this.take && player.loop?.[0] === player.frame && player.time < this.last) this.stop(); // once round
      if (this.take) this._sample(player.time); // so that each frame that was seen has a sample of its own
    };
    this.onState = () => { if (this.take && !player.playing) this.stop(); };
    player.addEventListener("frame", this.onFrame);
    player.addEventListener("state", this.onState);
  }

  /** Seconds of the video now: never beyond the frame that is shown. */
  now() {
    const { player } = this;
    const next = player.times[player.frame + 1] ?? player.video.end_s;
    const passed = player.playing ? ((performance.now() - this.drawn) / 1000) * player.rate : 0;
    return Math.min(player.time + passed, next - 1e-4);
  }

  async start(dimension, shown) {
    const { player, labels } = this;
    if (this.take) return;
    if (player.loop) await player.seek(player.loop[0]);
    await player.play();
    const take = { take: labels.newId(), dimension, device: this.hand.device, speed: player.rate, shown, samples: [] };
    this.take = take;
    this.last = -1;
    this.unsent = [];
    labels.takes.push(take);
    const { samples, ...begun } = take;
    this.begun = labels.act("take", begun).catch(() => {});
    this.sampling = setInterval(() => this._sample(), SAMPLE_MS);
    this.sending = setInterval(() => this._flush(), SEND_MS);
    this.dispatchEvent(new Event("change"));
  }

  _sample(at = this.now()) {
    const [x, y] = this.hand.read();
    const seconds = Number(at.toFixed(6));
    if (seconds <= this.last) return;
    this.last = seconds;
    const [v, a] = [Math.round(x * 1000), Math.round(y * 1000)];
    const row = this.take.dimension === "both" ? [seconds, v, a] : [seconds, this.take.dimension === "valence" ? v : a];
    this.take.samples.push(row);
    this.unsent.push(row);
  }

  _flush() {
    if (!this.unsent.length) return;
    const samples = this.unsent;
    this.unsent = [];
    this.labels.act("samples", { take: this.take.take, samples }).catch(() => {});
  }

  stop() {
    if (!this.take) return;
    clearInterval(this.sampling);
    clearInterval(this.sending);
    this._flush();
    this.take = null;
    this.player.pause();
    this.labels._changed();
    this.dispatchEvent(new Event("change"));
  }

  close() {
    this.stop();
    this.player.removeEventListener("frame", this.onFrame);
    this.player.removeEventListener("state", this.onState);
  }
}

/** The plane of valence and arousal with example emotions; the pointer over it is the hand. */
export function Plane({ hand, dimension, onPick }) {
  const dot = useRef();
  const box = useRef();
  useEffect(() => {
    let alive = true;
    const draw = () => {
      if (!alive) return;
      const [x, y] = hand.read();
      dot.current?.setAttribute("cx", dimension === "arousal" ? 0 : x);
      dot.current?.setAttribute("cy", dimension === "valence" ? 0 : -y);
      requestAnimationFrame(draw);
    };
    draw();
    return () => { alive = false; };
  }, [hand, dimension]);
  const move = (event) => {
    const { left, top, width, height } = box.current.getBoundingClientRect();
    const side = Math.min(width, height) / 2.4; // the drawing is centred in its element
    const x = (event.clientX - left - width / 2) / side;
    const y = (top + height / 2 - event.clientY) / side;
    hand.point(x, y, event.pointerType === "touch" ? "touch" : "mouse");
  };
  const fill = (x, y) => `hsl(${(Math.atan2(y, x) * 180) / Math.PI + 60} 45% 50%)`;
  return html`<svg ref=${box} class="plane" viewBox="-1.2 -1.2 2.4 2.4" role="img" onPointerMove=${move}
    onPointerDown=${(event) => { event.currentTarget.setPointerCapture(event.pointerId); move(event); onPick?.(); }}
    aria-label="Valence from left (negative) to right (positive), arousal from bottom (passive) to top (active)">
    <circle class="ring" r="1" /><circle class="ring" r="0.5" />
    <line class="axis" x1="-1" x2="1" y1="0" y2="0" /><line class="axis" y1="-1" y2="1" x1="0" x2="0" />
    ${WORDS.map(([word, x, y]) => html`<g key=${word}><circle cx=${x * 0.8} cy=${-y * 0.8} r="0.02" fill=${fill(x, y)} />
      <text x=${x * 0.8} y=${-y * 0.8 - 0.035}>${word}</text></g>`)}
    <text class="end" x="1.1" y="0.02">+</text><text class="end" x="-1.1" y="0.02">−</text>
    <text class="end" x="0" y="-1.06">active</text><text class="end" x="0" y="1.13">passive</text>
    <circle ref=${dot} class="hand" r="0.055" />
  </svg>`;
}

/** The traces around now, drawn as they are recorded; a stretch may be chosen with the mouse. */
export function Traces({ player, labels, recorder, hidden, chosen, onChoose }) {
  const canvas = useRef();
  const drag = useRef(null);
  useEffect(() => {
    let alive = true;
    let known = { version: -1 };
    let version = 0;
    const changed = () => { version += 1; };
    labels.addEventListener("change", changed);
    const draw = () => {
      if (!alive) return;
      if (known.version !== version && !recorder.take) {
        known = { version, valence: traceOf(labels, "valence"), arousal: traceOf(labels, "arousal") };
      }
      paint(canvas.current, player, recorder, hidden && recorder.take ? {} : known, chosen);
      requestAnimationFrame(draw);
    };
    draw();
    return () => { alive = false; labels.removeEventListener("change", changed); };
  }, [player, labels, recorder, hidden, chosen]);
  const secondsAt = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.max(recorder.now() + ((event.clientX - left) / width) * 2 * WINDOW_S - WINDOW_S, 0);
  };
  return html`<canvas class="traces" ref=${canvas} width="1200" height="150" role="img"
    aria-label="Traces of valence (solid) and arousal (dashed) around the shown frame"
    onPointerDown=${(event) => { drag.current = secondsAt(event); event.currentTarget.setPointerCapture(event.pointerId); }}
    onPointerMove=${(event) => { if (drag.current !== null) onChoose([drag.current, secondsAt(event)].sort((a, b) => a - b)); }}
    onPointerUp=${(event) => {
      const [from, to] = [drag.current, secondsAt(event)].sort((a, b) => a - b);
      drag.current = null;
      if (to - from < 0.05) onChoose(null);
    }}></canvas>`;
}

function paint(canvas, player, recorder, known, chosen) {
  if (!canvas) return;
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const now = recorder.now();
  const x = (seconds) => ((seconds - now + WINDOW_S) / (2 * WINDOW_S)) * width;
  const y = (value) => height / 2 - (value / 1000) * (height / 2 - 8);
  pen.clearRect(0, 0, width, height);
  if (chosen) {
    pen.fillStyle = colour("faint");
    pen.fillRect(x(chosen[0]), 0, x(chosen[1]) - x(chosen[0]), height);
  }
  pen.strokeStyle = colour("line");
  pen.setLineDash([]);
  pen.lineWidth = 1;
  for (const at of [y(0), y(1000), y(-1000)]) line(pen, [[0, at], [width, at]]);
  line(pen, [[x(now), 0], [x(now), height]]);
  for (const [i, dimension] of ["valence", "arousal"].entries()) {
    pen.strokeStyle = colour(`trace-${i + 1}`);
    pen.setLineDash(i ? [8, 5] : []);
    pen.lineWidth = 2.5;
    trace(pen, known[dimension] ?? [], x, y, now);
    const take = recorder.take;
    if (take && [dimension, "both"].includes(take.dimension)) {
      const column = take.dimension === "both" && i ? 2 : 1;
      pen.lineWidth = 4;
      trace(pen, take.samples.map((row) => [row[0], row[column]]), x, y, now);
    }
  }
}

function trace(pen, points, x, y, now) {
  let path = [];
  for (const [seconds, value] of points) {
    if (seconds < now - WINDOW_S - 1 || seconds > now + WINDOW_S + 1) continue;
    if (path.length && x(seconds) - path.at(-1)[0] > x(0.5) - x(0)) {
      line(pen, path);
      path = [];
    }
    path.push([x(seconds), y(value)]);
  }
  line(pen, path);
}

function line(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

export function AffectPanel({ player, labels, hand, recorder, dimension, setDimension, shown, setShown, chosen, setChosen, say, lag, onLag }) {
  const [, again] = useState(0);
  useEffect(() => {
    const changed = () => again((n) => n + 1);
    recorder.addEventListener("change", changed);
    return () => recorder.removeEventListener("change", changed);
  }, [recorder]);
  const recording = recorder.take !== null;
  const toggle = () => (recording ? recorder.stop() : recorder.start(dimension, shown));
  const nudge = (by) => labels.act("nudge", { dimension: dimension === "both" ? "valence" : dimension, from_s: chosen[0], to_s: chosen[1], by })
    .then(() => labels.reload()).catch(() => {});
  const again_ = async () => {
    const { frameAt } = await import("mien/player");
    player.setLoop(frameAt(player.times, chosen[0]), frameAt(player.times, chosen[1]));
    setShown(true);
    recorder.start(dimension, true);
  };
  return html`<div class="panel affect">
    <div class="row" role="radiogroup" aria-label="Dimension">
      ${["valence", "arousal", "both"].map((name) => html`<button key=${name} role="radio" aria-checked=${name === dimension}
        aria-pressed=${name === dimension} disabled=${recording} onClick=${() => setDimension(name)}>${name}</button>`)}
    </div>
    <${Plane} hand=${hand} dimension=${dimension} />
    <div class="row"><button class="primary record" onClick=${toggle} aria-pressed=${recording}>${recording ? "Stop" : "Record"} <kbd>r</kbd></button>
      <label><input type="checkbox" checked=${shown} disabled=${recording} onChange=${(event) => setShown(event.target.checked)} /> show the trace</label></div>
    ${chosen ? html`<div class="row"><span class="number">${chosen[0].toFixed(2)}–${chosen[1].toFixed(2)} s</span>
      <button onClick=${() => nudge(50)}>Up</button><button onClick=${() => nudge(-50)}>Down</button>
      <button onClick=${again_}>Record again</button></div>`
    : html`<p class="quiet">Drag over the trace to nudge a stretch or record it again.</p>`}
    <div class="row"><button onClick=${onLag}>Measure my reaction</button>
      <button onClick=${() => say(hand.calibrate() ? "The stick's rest is set." : "No gamepad: press one of its buttons first.")}>Centre the stick</button></div>
    <p class="quiet">${lag === null ? "Not measured yet." : `Reaction: ${lag.toFixed(2)} s.`} Mouse, touch, arrow keys or a gamepad.</p>
  </div>`;
}

const CLIP_S = 20;

/** A dot to follow for 20 seconds: the lag is the shift at which hand and dot agree best. */
export function LagClip({ hand, done, close }) {
  const dialog = useRef();
  const dot = useRef();
  const [left, setLeft] = useState(null);
  useEffect(() => { dialog.current.showModal(); }, []);
  const start = () => {
    const began = performance.now();
    const phases = [0.23, 0.41, 0.67].map((rate) => [rate, Math.random() * 2 * Math.PI]);
    const samples = [];
    const height = (s) => phases.reduce((sum, [rate, phase]) => sum + Math.sin(2 * Math.PI * rate * s + phase), 0) / 3;
    const timer = setInterval(() => {
      const seconds = (performance.now() - began) / 1000;
      if (!dialog.current?.open) return clearInterval(timer);
      const target = height(seconds);
      samples.push([seconds, target, hand.read()[1]]);
      dot.current?.setAttribute("cy", -target);
      setLeft(Math.ceil(CLIP_S - seconds));
      if (seconds < CLIP_S) return null;
      clearInterval(timer);
      const lag = bestLag(samples);
      if (lag !== null) done(lag);
      return dialog.current.close();
    }, 1000 / 60);
  };
  const move = (event) => {
    const { top, height } = event.currentTarget.getBoundingClientRect();
    hand.point(0, 1.2 - ((event.clientY - top) / height) * 2.4, event.pointerType === "touch" ? "touch" : "mouse");
  };
  return html`<dialog ref=${dialog} class="lag" onClose=${close} aria-label="Measure the reaction time">
    <h2>Follow the dot</h2>
    <p>Move mouse, stick or the keys up and down with the dot for ${CLIP_S} seconds, as you do while you annotate.</p>
    <svg class="follow" viewBox="-0.6 -1.2 1.2 2.4" onPointerMove=${move} role="img" aria-label="A dot that moves up and down">
      <line class="axis" y1="-1" y2="1" x1="0" x2="0" /><circle ref=${dot} class="hand" r="0.08" /></svg>
    <div class="row">${left === null
      ? html`<button class="primary" onClick=${start}>Start</button>` : html`<span class="number">${left} s</span>`}
      <button onClick=${() => dialog.current.close()}>Not now</button></div>
  </dialog>`;
}

/** Shift in seconds at which the hand correlates best with the target; null where it never moved. */
export function bestLag(samples) {
  const step = 1 / 50;
  const at = (column, s) => {
    let i = samples.findIndex((row) => row[0] >= s);
    if (i < 1) i = i === 0 ? 1 : samples.length - 1;
    const [a, b] = [samples[i - 1], samples[i]];
    return a[column] + ((b[column] - a[column]) * (s - a[0])) / Math.max(b[0] - a[0], 1e-9);
  };
  const end = samples.at(-1)[0] - 2;
  const grid = Array.from({ length: Math.floor(end / step) }, (_, i) => i * step);
  const hand = Array.from({ length: Math.floor((end + 2) / step) }, (_, i) => at(2, i * step));
  const target = grid.map((s) => at(1, s));
  let best = null;
  for (let shift = 0; shift <= 1.9 / step; shift += 1) {
    const r = correlation(target, hand.slice(shift, shift + target.length));
    if (r !== null && (best === null || r > best[1])) best = [shift * step, r];
  }
  return best && best[1] > 0.5 ? best[0] : null;
}

function correlation(a, b) {
  const n = Math.min(a.length, b.length);
  const mean = (v) => v.slice(0, n).reduce((s, x) => s + x, 0) / n;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i += 1) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null;
}
