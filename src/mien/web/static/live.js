// mien live: camera or film, what is seen in it, traces, recording. Pictures go to /look of the server
// that this page came from, and nowhere else.
import { api, colour, html, pageData, render, theme } from "mien";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

const DATA = pageData();
const SENT_WIDTH = 640; // pixels: wider pictures are made smaller before they are sent
const WINDOW_S = 20;
const OLD = 3; // boxes older than so many pictures take, and than a second, are drawn faint
const TRACED = ["AU01", "AU04", "AU06", "AU12"]; // to begin with
const PRESENT = 0.5;
const TRAIL = 40;

const heads = Object.fromEntries(DATA.heads.map((head) => [head.name, head]));
const ofKind = (...kinds) => DATA.heads.find((head) => kinds.includes(head.kind));
const UNITS = ofKind("binary") ?? ofKind("ordinal");
const CLASSES = ofKind("exclusive", "votes");
const AFFECT = heads.valence_arousal;

/** Ask for a source: each start is a session of its own, in which times rise and people are followed. */
const ask = (path, session, query, body) =>
  api(`${path}?${new URLSearchParams({ session, ...query })}`, { method: "POST", body });

/** What the page has seen: one object, drawn from at the camera's rate. */
class Scene {
  faces = [];
  at = -1; // seconds of the picture that `faces` are of
  person = null; // chosen by hand
  history = []; // [seconds, valence, arousal, units...] of the person shown, null where there is none
  sent = 0;
  rate = 0;

  /** Take an answer of the server. */
  take(answer, time, scale) {
    this.faces = answer.faces.map((face) => ({ ...face, box: face.box.map((v) => v * scale) }));
    const rate = 1 / (time - this.at);
    if (this.sent) this.rate = this.rate ? 0.8 * this.rate + 0.2 * rate : rate;
    this.at = time;
    this.sent += 1;
    const heads = this.shown()?.heads;
    const values = heads ? [...(heads.valence_arousal ?? [null, null]), ...(UNITS ? heads[UNITS.name] : [])] : [];
    const width = 2 + (UNITS?.outputs.length ?? 0);
    this.history.push([time, ...Array.from({ length: width }, (_, i) => values[i] ?? null)]);
    while (this.history.length && this.history[0][0] < time - WINDOW_S) this.history.shift();
  }

  /** The face that numbers are shown of: the one chosen while it is there, else the largest. */
  shown() {
    const area = ({ box: [a, b, c, d] }) => (c - a) * (d - b);
    return this.faces.find((face) => face.person === this.person)
      ?? this.faces.toSorted((a, b) => area(b) - area(a))[0];
  }
}

/** Pictures of a camera: drawn as they come, sent as fast as answers come back. */
class Camera {
  session = crypto.randomUUID();

  constructor(media) {
    this.media = media;
    this.video = Object.assign(document.createElement("video"), { srcObject: media, muted: true, playsInline: true });
    this.mirrored = media.getVideoTracks()[0].getSettings().facingMode !== "environment";
    this.canvas = document.createElement("canvas");
  }

  static async open(device) {
    const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    if (device) wanted.deviceId = { exact: device };
    const media = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    const camera = new Camera(media);
    await camera.video.play();
    camera.began = performance.now();
    return camera;
  }

  get size() { return [this.video.videoWidth, this.video.videoHeight]; }
  get picture() { return this.video; }
  get now() { return (performance.now() - this.began) / 1000; }
  onFrame(draw) { this.video.requestVideoFrameCallback(draw); }

  async look() {
    const [width, height] = this.size;
    const scale = Math.min(1, SENT_WIDTH / width);
    Object.assign(this.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const time = this.now;
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", 0.9));
    return { answer: await ask("/look", this.session, { time }, blob), time, scale: width / this.canvas.width };
  }

  close() { this.media.getTracks().forEach((track) => track.stop()); }
}

/** Frames of a film, from the server: drawn with what was seen in them. */
class Film {
  session = crypto.randomUUID();
  mirrored = false;
  size = [640, 360];
  picture = null;
  began = null; // with the first frame

  static async open() { return new Film(); }

  get now() { return this.began === null ? 0 : (performance.now() - this.began) / 1000; }
  onFrame(draw) { requestAnimationFrame(draw); }

  async look() {
    const answer = await ask("/look", this.session, { time: this.now });
    this.began ??= performance.now();
    if (answer.end) return null;
    if (answer.same) {
      await new Promise((done) => setTimeout(done, 8));
      return this.look();
    }
    const bytes = Uint8Array.from(atob(answer.image), (c) => c.charCodeAt(0));
    this.picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    this.size = [answer.width, answer.height];
    return { answer, time: answer.time, scale: 1 };
  }

  close() {}
}

function App() {
  const scene = useRef(null);
  const source = useRef(null);
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState("");
  const [recording, setRecording] = useState(null); // {file, rows}
  const [latest, setLatest] = useState(null); // {face, faces, ms, rate}
  const [cameras, setCameras] = useState([]);
  const [device, setDevice] = useState("");
  const [traced, setTraced] = useState(UNITS ? UNITS.outputs.filter((unit) => TRACED.includes(unit)) : []);
  const [mirror, setMirror] = useState(true);
  const canvas = useRef(null);

  async function start(chosen = device) {
    stop();
    setFailure("");
    try {
      source.current = await (DATA.source === null ? Camera.open(chosen) : Film.open());
    } catch (error) {
      setFailure(whyNoCamera(error));
      return;
    }
    scene.current = new Scene();
    setRunning(true);
    if (DATA.source === null) {
      const found = await navigator.mediaDevices.enumerateDevices();
      setCameras(found.filter((one) => one.kind === "videoinput"));
    }
    follow(source.current);
  }

  function stop() {
    source.current?.close();
    source.current = null;
    setRunning(false);
  }

  /** Send pictures one after another, as long as this source is the one in use. */
  async function follow(mine) {
    const seen = scene.current;
    while (source.current === mine) {
      try {
        const looked = await mine.look();
        if (source.current !== mine) break;
        if (looked === null) break;
        seen.take(looked.answer, looked.time, looked.scale);
        if (looked.answer.rows !== null) setRecording((now) => now && { ...now, rows: looked.answer.rows });
        setLatest({ face: seen.shown(), faces: seen.faces.length, ms: looked.answer.ms, rate: seen.rate });
      } catch (error) {
        setFailure(error.message);
        break;
      }
    }
    if (source.current === mine) stop();
    await record(false, mine);
  }

  async function record(on, mine = source.current) {
    try {
      const told = await ask("/record", mine.session, { on: on ? 1 : 0 });
      setRecording(on ? told : (now) => (told.file ? { ...told, done: true } : now));
    } catch (error) {
      setFailure(error.message);
    }
  }

  useEffect(() => {
    if (!running) return undefined;
    let going = true;
    const draw = () => {
      if (!going || !source.current) return;
      paint(canvas.current, source.current, scene.current, mirror);
      source.current.onFrame(draw);
    };
    draw();
    return () => { going = false; };
  }, [running, mirror]);

  function choose(event) {
    const box = canvas.current.getBoundingClientRect();
    const { width, height } = canvas.current;
    const scale = Math.min(box.width / width, box.height / height); // object-fit: contain
    let x = (event.clientX - box.left - (box.width - width * scale) / 2) / scale;
    const y = (event.clientY - box.top - (box.height - height * scale) / 2) / scale;
    if (mirror && source.current?.mirrored) x = width - x;
    const hit = scene.current?.faces.find(({ box: [a, b, c, d] }) => a <= x && x <= c && b <= y && y <= d);
    if (hit) Object.assign(scene.current, { person: hit.person, history: [] });
  }

  const face = latest?.face;
  const live = recording && !recording.done;
  return html`<div class="live">
    <header class="row spread">
      <div><h1>mien live</h1>
        <span class="quiet">${DATA.source ?? "Camera"} · ${DATA.model} · pictures stay on this machine</span></div>
      <div class="row">
        ${cameras.length > 1 && html`<select aria-label="Camera" value=${device}
          onChange=${(e) => { setDevice(e.target.value); start(e.target.value); }}>
          ${cameras.map((one, i) => html`<option value=${one.deviceId}>${one.label || `Camera ${i + 1}`}</option>`)}</select>`}
        ${DATA.source === null && html`<label><input type="checkbox" checked=${mirror}
          onChange=${(e) => setMirror(e.target.checked)} /> Mirror</label>`}
        <select aria-label="Colours" value=${theme()} onChange=${(e) => theme(e.target.value)}>
          <option value="">System</option><option value="light">Light</option><option value="dark">Dark</option></select>
        <button class=${running ? "" : "primary"} onClick=${() => (running ? stop() : start())}>
          ${running ? "Stop" : DATA.source === null ? "Start camera" : "Play"}</button>
        <button class=${live ? "danger" : ""} disabled=${!running} aria-pressed=${Boolean(live)}
          onClick=${() => record(!live)}>${live ? "● Stop recording" : "Record"}</button>
      </div>
    </header>
    <section>
      <div class="live-stage">
        <canvas ref=${canvas} width="640" height="360" role="img" onClick=${choose}
          aria-label=${face ? `${latest.faces} faces` : "no face"}></canvas>
        ${!running && !latest && html`<p>${DATA.source === null
          ? "Start the camera: the browser asks for permission first." : "Play the film: it is looked at while it runs."}</p>`}
        <div class="live-status number">
          <span>${latest ? `${latest.faces} ${latest.faces === 1 ? "face" : "faces"}` : "–"}</span>
          <span>${latest ? `${latest.rate.toFixed(1)} pictures/s` : ""}</span>
          <span>${latest ? `${Math.round(latest.ms)} ms each` : ""}</span>
          <span class="live-record">${recording ? `${recording.file}: ${recording.rows} rows` : ""}</span>
        </div>
      </div>
      <div role="alert">${failure}</div>
      <section class="live-traces">
        ${AFFECT && html`<${Traces} scene=${scene} running=${running} title="Valence and arousal"
          lines=${[["valence", 1], ["arousal", 2]]} range=${[-1, 1]} />`}
        ${UNITS && html`<${Traces} scene=${scene} running=${running} title="Action Units" range=${[0, UNITS.kind === "ordinal" ? 5 : 1]}
          lines=${traced.map((unit) => [unit, 3 + UNITS.outputs.indexOf(unit)])} />`}
      </section>
    </section>
    <aside class="live-side">
      ${AFFECT && html`<${Circle} scene=${scene} latest=${latest} />`}
      ${CLASSES && html`<section class="panel"><h2 style="margin-top: 0">Expression</h2><${Bars} head=${CLASSES} face=${face} /></section>`}
      ${UNITS && html`<section class="panel"><h2 style="margin-top: 0">Action Units</h2>
        <${Bars} head=${UNITS} face=${face} traced=${traced} onTrace=${(unit) => setTraced((now) =>
          now.includes(unit) ? now.filter((one) => one !== unit) : [...now.slice(now.length > 3 ? 1 : 0), unit])} /></section>`}
      <p class="quiet">A face shows movement, not what a person feels or means.</p>
    </aside>
  </div>`;
}

function Bars({ head, face, traced, onTrace }) {
  const values = face?.heads[head.name] ?? [];
  const most = head.kind === "ordinal" ? 5 : 1;
  const likeliest = head.kind === "binary" || head.kind === "ordinal" ? -1 : values.indexOf(Math.max(...values.map((v) => v ?? -1)));
  return html`<div class="live-bars">${head.outputs.map((output, i) => {
    const value = values[i] ?? null;
    const strong = i === likeliest || (likeliest < 0 && value >= PRESENT * most) ? "strong" : "";
    const name = head.titles[i] === output ? output : `${output} ${head.titles[i]}`;
    const line = traced?.indexOf(output) ?? -1;
    return html`
      <span class=${`name ${strong}`} title=${name}>${onTrace
        ? html`<button class=${line >= 0 ? "traced" : ""} aria-pressed=${line >= 0} style=${{ "--trace": `var(--trace-${line + 1})` }}
            onClick=${() => onTrace(output)}>${name}</button>` : name}</span>
      <span class="bar"><i style=${{ width: `${(100 * Math.min(Math.max(value ?? 0, 0), most)) / most}%` }}></i></span>
      <span class=${`value number ${strong}`}>${value === null ? "–" : value.toFixed(2)}</span>`;
  })}</div>`;
}

function Circle({ scene, latest }) {
  const canvas = useRef(null);
  useEffect(() => {
    const pen = canvas.current.getContext("2d");
    const [middle, radius] = [220, 125];
    pen.clearRect(0, 0, 440, 440);
    pen.strokeStyle = pen.fillStyle = colour("line");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(middle, middle, radius, 0, 7);
    pen.moveTo(middle - radius, middle);
    pen.lineTo(middle + radius, middle);
    pen.moveTo(middle, middle - radius);
    pen.lineTo(middle, middle + radius);
    pen.stroke();
    pen.fillStyle = colour("quiet");
    pen.font = "26px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText("arousal", middle, middle - radius - 14);
    pen.fillText("valence", middle + radius + 50, middle - 10);
    const trail = (scene.current?.history ?? []).slice(-TRAIL).filter(([, valence]) => valence !== null);
    trail.forEach(([, valence, arousal], i) => {
      const newest = i === trail.length - 1;
      pen.globalAlpha = newest ? 1 : (0.5 * (i + 1)) / trail.length;
      pen.fillStyle = colour("accent");
      pen.beginPath();
      pen.arc(middle + radius * bounded(valence), middle - radius * bounded(arousal), newest ? 13 : 5, 0, 7);
      pen.fill();
    });
    pen.globalAlpha = 1;
  }, [latest]);
  const [valence, arousal] = latest?.face?.heads.valence_arousal ?? [null, null];
  const words = valence === null ? "no face" : `valence ${valence.toFixed(2)}, arousal ${arousal.toFixed(2)}`;
  return html`<section class="panel"><canvas ref=${canvas} class="live-circle" width="440" height="440" role="img" aria-label=${words}></canvas>
    <div class="number" style="text-align: center">${words}</div></section>`;
}

function Traces({ scene, running, title, lines, range }) {
  const place = useRef(null);
  const [look, setLook] = useState(0);
  const chosen = lines.map(([name]) => name).join();
  useEffect(() => {
    const again = () => setLook((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    window.addEventListener("mien-theme", again);
    dark.addEventListener("change", again);
    return () => { window.removeEventListener("mien-theme", again); dark.removeEventListener("change", again); };
  }, []);
  useEffect(() => {
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("faint") }, ticks: { stroke: colour("faint") } };
    const series = lines.map(([label], i) => ({ label, stroke: colour(`trace-${(i % 4) + 1}`), width: 2, dash: i % 2 ? [6, 3] : [], spanGaps: false,
      value: (_, v) => (v == null ? "–" : v.toFixed(2)) }));
    const width = () => Math.max(place.current.clientWidth, 200);
    const plot = new uPlot({
      width: width(), height: 190, cursor: { show: false }, legend: { live: false }, series: [{ label: "s", value: (_, v) => (v == null ? "–" : v.toFixed(1)) }, ...series],
      scales: { x: { time: false, range: () => { const end = Math.max(scene.current?.history.at(-1)?.[0] ?? 0, WINDOW_S); return [end - WINDOW_S, end]; } },
        y: { range: () => range } },
      axes: [axis, { ...axis, size: 44 }],
    }, [[], ...lines.map(() => [])], place.current);
    const resize = new ResizeObserver(() => plot.setSize({ width: width(), height: 190 }));
    resize.observe(place.current);
    let going = true;
    let drawn = null;
    const draw = () => {
      if (!going) return;
      const history = scene.current?.history ?? [];
      const newest = history.at(-1);
      if (newest !== drawn) {
        plot.setData([history.map((row) => row[0]), ...lines.map(([, i]) => history.map((row) => row[i]))]);
        drawn = newest;
      }
      if (running) requestAnimationFrame(draw);
    };
    draw();
    return () => { going = false; resize.disconnect(); plot.destroy(); };
  }, [running, chosen, look]);
  return html`<div class="panel"><h2 style="margin: 0 0 4px 8px">${title}</h2><div ref=${place}></div></div>`;
}

/** Draw the picture, mirrored where it is one's own, and the faces; text stays readable. */
function paint(canvas, source, scene, mirror) {
  if (!source.picture) return;
  const [width, height] = source.size;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  const flipped = mirror && source.mirrored;
  pen.save();
  if (flipped) pen.setTransform(-1, 0, 0, 1, width, 0);
  pen.drawImage(source.picture, 0, 0, width, height);
  pen.restore();
  const line = Math.max(2, width / 320);
  const shown = scene.shown();
  pen.globalAlpha = source.now - scene.at > Math.max(1, OLD / scene.rate) ? 0.35 : 1;
  for (const face of scene.faces) {
    const [x0, y0, x1, y1] = face.box;
    const left = flipped ? width - x1 : x0;
    for (const [shade, wide] of [["#000", 2 * line], [face === shown ? "#ffd24a" : "#d9d9d9", line]]) {
      pen.strokeStyle = shade;
      pen.lineWidth = wide;
      pen.strokeRect(left, y0, x1 - x0, y1 - y0);
    }
    tag(pen, `${face.person} ${words(face)}`, left, y0, line);
  }
  pen.globalAlpha = 1;
}

function tag(pen, text, x, y, line) {
  pen.font = `${Math.round(7 * line)}px system-ui, sans-serif`;
  const top = Math.max(y - 10 * line, 0);
  pen.fillStyle = "rgb(0 0 0 / 75%)";
  pen.fillRect(x, top, pen.measureText(text).width + 6 * line, 10 * line);
  pen.fillStyle = "#fff";
  pen.fillText(text, x + 3 * line, top + 7.5 * line);
}

function words(face) {
  const values = CLASSES ? face.heads[CLASSES.name] : null;
  if (!values || values.some((value) => value === null)) return "";
  const best = values.indexOf(Math.max(...values));
  return `${CLASSES.outputs[best]} ${values[best].toFixed(2)}`;
}

const bounded = (value) => Math.min(Math.max(value, -1), 1);

function whyNoCamera(error) {
  const known = {
    NotAllowedError: "the browser was not allowed to use the camera: allow it for this page, then start again",
    NotFoundError: "there is no camera; `mien live VIDEO` looks at a film",
    NotReadableError: "the camera is in use by another program",
    OverconstrainedError: "this camera is gone; choose another",
  };
  if (!navigator.mediaDevices) return "cameras need https or 127.0.0.1: open the link on this machine";
  return known[error.name] ?? `the camera cannot be used: ${error.message}`;
}

render(html`<${App} />`, document.getElementById("app"));
