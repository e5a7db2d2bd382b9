// mien annotate: what is to be done, and the place to do it. Nothing here reaches outside this server.
import { api, html, pageData, render, theme } from "mien";
import { Player } from "mien/player";
import { useEffect, useRef, useState } from "preact/hooks";
import { AffectPanel, Hand, LagClip, Plane, Recorder, Traces } from "./affect.js";
import { actionOf, KeyHelp } from "./keys.js";
import { Labels } from "./labels.js";
import { Outbox } from "./outbox.js";
import { Marker, RangePanel } from "./ranges.js";
import { Timeline } from "./timeline.js";

const ME = pageData();
const TASKS = { va: "Valence and arousal", au: "Action Units", expression: "Expressions" };
const outbox = new Outbox(ME.who);
const hand = new Hand();
window.mien = { outbox, hand }; // for scripted tests

function useEvents(target, ...names) {
  const [, again] = useState(0);
  useEffect(() => {
    const changed = () => again((n) => n + 1);
    names.forEach((name) => target?.addEventListener(name, changed));
    return () => names.forEach((name) => target?.removeEventListener(name, changed));
  }, [target]);
}

function Saved() {
  useEvents(outbox, "state", "refused");
  const text = { saved: "All saved", saving: "Saving…", unreachable: "Not saved: the server cannot be reached. Kept in this browser." };
  return html`<output class="saved ${outbox.state === "unreachable" ? "bad" : outbox.state === "saved" ? "good" : "quiet"}"
    aria-live="polite" data-state=${outbox.state}>${text[outbox.state]}</output>`;
}

function App() {
  const [me, setMe] = useState(ME);
  const [open, setOpen] = useState(() => JSON.parse(sessionStorage.getItem("mien-annotate-open") ?? "null"));
  const [help, setHelp] = useState(false);
  const go = async (next) => {
    sessionStorage.setItem("mien-annotate-open", JSON.stringify(next));
    if (!next) setMe(await api("/api/me"));
    setOpen(next);
  };
  const item = open && me.items.find((one) => one.id === open.item);
  const shades = { "": "light", light: "dark", dark: "" };
  const [shade, setShade] = useState(theme());
  return html`<header class="row spread top">
      <span class="row"><h1>mien annotate</h1><span class="quiet">${me.who}, ${me.stage === "blind" ? "first pass" : me.stage}</span></span>
      <span class="row"><${Saved} />
        <button onClick=${() => { theme(shades[shade]); setShade(shades[shade]); }} aria-label="Colours: ${shade || "as the system"}">${{ "": "Auto", light: "Light", dark: "Dark" }[shade]}</button>
        <button onClick=${() => setHelp(true)}>Keys <kbd>?</kbd></button>
        ${item && html`<button onClick=${() => go(null)}>All videos</button>`}</span>
    </header>
    ${help && html`<${KeyHelp} close=${() => setHelp(false)} />`}
    ${item ? html`<${Workspace} key="${item.id} ${open.task}" item=${item} task=${open.task} me=${me} go=${go} help=${() => setHelp(true)} />`
    : html`<${Overview} me=${me} go=${go} />`}`;
}

function Overview({ me, go }) {
  const minutes = (ms) => `${Math.round(ms / 60000)} min`;
  return html`<main class="overview"><h2>Your videos, in your order</h2>
    <table><thead><tr><th scope="col">video</th>${me.tasks.map((task) => html`<th scope="col" key=${task}>${TASKS[task]}</th>`)}</tr></thead>
    <tbody>${me.items.map((item) => html`<tr key=${item.id}><th scope="row">${item.name} ${item.training && html`<span class="tag">training</span>`}
        <span class="quiet number"> ${item.kind === "images" ? `${item.frames} pictures` : `${item.end_s.toFixed(1)} s`}</span></th>
      ${me.tasks.map((task) => {
        const { begun, done, of, spent_ms } = item.tasks[task];
        const state = done === of ? "done" : begun ? `${done} of ${of} looked through` : "not begun";
        return html`<td key=${task}><button class=${done === of ? "" : "primary"} onClick=${() => go({ item: item.id, task })}
          aria-label="${TASKS[task]} of ${item.name}: ${state}">${done === of ? "Look again" : begun ? "Go on" : "Begin"}</button>
          <span class="quiet"> ${state}${spent_ms ? `, ${minutes(spent_ms)}` : ""}</span></td>`;
      })}</tr>`)}</tbody></table></main>`;
}

function Workspace({ item, task, me, go, help }) {
  const stage = useRef();
  const [desk, setDesk] = useState(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    let made = null;
    const begin = async () => {
      const names = task === "va" ? ["valence", "arousal"] : task === "au" ? me.units : me.expressions;
      const [labels, boxes] = await Promise.all([Labels.open(outbox, item, task, names), api(`/api/boxes/${item.id}`)]);
      const face = (frame) => (boxes[frame] ? [{ x0: boxes[frame][0], y0: boxes[frame][1], x1: boxes[frame][2], y1: boxes[frame][3], active: true }] : []);
      const player = await Player.open(stage.current, `/videos/${item.id}`, { boxes: item.kind === "video" ? face : undefined, keys: false, sound: me.sound });
      const marker = new Marker(player, labels, names);
      marker.adjudicating = me.adjudicator;
      const recorder = new Recorder(player, labels, hand, item.frames);
      const ghosts = await seenByOthers(me, item, task, marker);
      made = { player, labels, marker, recorder, ghosts, names };
      setDesk(made);
    };
    begin().catch((error) => setSaid(error.message));
    return () => { made?.recorder.close(); made?.marker.close(); made?.player.close(); };
  }, []);
  return html`<main class="workspace">
    <div class="row spread"><h2>${TASKS[task]}: ${item.name}</h2><span role="alert">${said}</span></div>
    <div class="desk ${task}"><div class="stage" ref=${stage}></div>
    ${desk && html`<${Desk} ...${{ ...desk, item, task, me, help, say: setSaid, go }} />`}</div>
  </main>`;
}

/** A model's suggestions; others' ranges, drawn faintly, and what is to be settled once that is open. */
async function seenByOthers(me, item, task, marker) {
  if (task === "va") return [];
  if (me.stage === "blind") {
    marker.queue = (await api(`/api/suggestions/${item.id}/${task}`)).marks;
    return [];
  }
  const [others, disputes] = await Promise.all([api(`/api/others/${item.id}/${task}`), api(`/api/disputes/${item.id}/${task}`)]);
  const settled = [...marker.labels.marks.values()];
  marker.queue = disputes.filter((d) => !settled.some((m) => m.first <= d.first && m.last >= d.last && (m.label === d.label || task === "expression") && me.adjudicator));
  return Object.entries(others).flatMap(([name, told]) => told.marks.map((mark) => ({ ...mark, kind: "other", title: `${name}: ${mark.label}` })));
}

function Desk({ player, labels, marker, recorder, ghosts, names, item, task, me, help, say, go }) {
  useEvents(player, "frame", "state");
  useEvents(labels, "change");
  useEvents(marker, "change");
  const [zoom, setZoom] = useState(1);
  const [dimension, setDimension] = useState("valence");
  const [shown, setShown] = useState(false);
  const [chosen, setChosen] = useState(null);
  const [lag, setLag] = useState(me.lag);
  const [measuring, setMeasuring] = useState(false);
  const [checked, setChecked] = useState(null);
  const images = item.kind === "images";
  const latest = useRef();
  latest.current = { dimension, shown };

  useEffect(() => {
    const failed = (event) => say(event.detail);
    const down = (event) => keyDown(event, { player, labels, marker, recorder, item, task, help, latest: latest.current });
    const up = (event) => {
      if (task === "va" && hand.key(event, false)) return;
      if (/^[1-9]$/.test(event.key)) marker.digitUp(Number(event.key));
    };
    window.addEventListener("keydown", down);
    window.addEventListener("keyup", up);
    outbox.addEventListener("refused", failed);
    window.mien.desk = { player, labels, marker, recorder, names }; // keys are taken from here on
    return () => {
      window.mien.desk = null;
      window.removeEventListener("keydown", down);
      window.removeEventListener("keyup", up);
      outbox.removeEventListener("refused", failed);
    };
  }, []);

  const history = html`<div class="row history"><button disabled=${!labels.undoable} onClick=${() => labels.undo()}>Undo</button>
    <button disabled=${!labels.redoable} onClick=${() => labels.redo()}>Redo</button>
    ${task !== "va" && !images && html`<label class="row">Zoom <input type="range" min="1" max="40" value=${zoom} onInput=${(event) => setZoom(Number(event.target.value))} aria-label="Zoom of the timeline" /></label>`}
    ${task === "va" && !images && html`<button aria-pressed=${labels.isSeen("valence") && labels.isSeen("arousal")}
      onClick=${() => labels.setSeen(["valence", "arousal"], !labels.isSeen("valence"))}>Done with this video</button>`}</div>`;

  const check = item.training && html`<${Check} checked=${checked} ask=${async () => setChecked(await api(`/api/check/${item.id}/${task}`))} />`;
  const answers = (checked?.answers ?? []).map((mark) => ({ ...mark, kind: "answer", title: "the answer" }));
  if (images) return html`<${Pictures} ...${{ player, labels, marker, names, item, task, history, check }} />`;
  if (task === "va") {
    return html`<div class="side"><${AffectPanel} ...${{ player, labels, hand, recorder, dimension, setDimension, shown, setShown, chosen, setChosen, say, lag }}
        onLag=${() => setMeasuring(true)} />${history}${check}</div>
      <div class="below"><${Traces} ...${{ player, labels, recorder, chosen }} hidden=${!shown} onChoose=${setChosen} /></div>
      ${measuring && html`<${LagClip} hand=${hand} close=${() => setMeasuring(false)} done=${async (found) => {
        await api("/api/lag", { body: { key: crypto.randomUUID(), lag_s: found } });
        setLag(found);
      }} />`}`;
  }
  return html`<div class="side"><${RangePanel} ...${{ marker, labels, player }} round=${me.adjudicator ? "adjudication" : me.stage === "blind" ? "first" : "verify"} />${history}${check}</div>
    <div class="below"><${Timeline} lanes=${names} count=${player.count} frame=${player.frame} zoom=${zoom} active=${marker.active}
      selected=${marker.selected} marks=${[...labels.marks.values()]} ghosts=${[...ghosts, ...waiting(marker), ...answers]} pending=${holding(marker)}
      seen=${(lane) => labels.isSeen(lane)} onLane=${(lane) => marker.lane(lane)} onSeek=${(n) => player.seek(n)} onSelect=${(id) => marker.choose(id)} /></div>`;
}

const holding = (marker) => marker.pending ?? [...marker.holding.values()][0] ?? null;
const waiting = (marker) => marker.queue.map((one) => ({ ...one, kind: one.said ? "dispute" : "suggested", title: one.said ? "to settle" : "suggested" }));

function keyDown(event, { player, labels, marker, recorder, item, task, help, latest }) {
  if (event.target.matches("input:not([type=range]):not([type=checkbox]), textarea, select, dialog *")) return;
  const action = actionOf(event);
  const images = item.kind === "images";
  const take = (done) => { if (done) event.preventDefault(); return done; };
  if (action === "undo") return take(labels.undo() || true);
  if (action === "redo") return take(labels.redo() || true);
  if (action === "help") return take(help() || true);
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (images) return take(pictureKey(event, { player, labels, marker, task }));
  if (task === "va") {
    if (action === "record") return take((recorder.take ? recorder.stop() : recorder.start(latest.dimension, latest.shown)) || true);
    if (hand.key(event, true)) return take(true);
    return player.key(event);
  }
  if (/^[1-9]$/.test(event.key)) return take(marker.digitDown(Number(event.key), event.repeat));
  if (action && event.target.matches("button") && event.key === "Enter" && !marker.current) return false;
  if (action && marker.do(action)) return take(true);
  if (/^[a-e]$/.test(event.key) && marker.intensity(event.key)) return take(true);
  if (event.key === " " && event.target.matches("button")) return false;
  return player.key(event);
}

/** Pictures one after the other: a number labels, Enter goes on. */
function pictureKey(event, { player, labels, marker, task }) {
  const { frame } = player;
  if (/^[1-9]$/.test(event.key)) {
    const label = marker.lanes[Number(event.key) - 1];
    if (!label || task === "va") return false;
    if (task === "expression") {
      labels.put({ id: labels.newId(), label, first: frame, last: frame, apart: true });
      onwards(player, labels);
    } else if (!event.repeat) toggle(labels, label, frame);
    return true;
  }
  if (event.key === "Enter") return onwards(player, labels) || true;
  if (task === "va" && hand.key(event, true)) return true;
  return player.key(event);
}

function toggle(labels, label, frame) {
  const here = labels.at(frame).find((mark) => mark.label === label);
  if (here) labels.edit({ remove: [here.id] }).catch(() => {});
  else labels.put({ id: labels.newId(), label, first: frame, last: frame, apart: true });
}

function onwards(player, labels) {
  const { frame } = player;
  labels.setSeen(labels.names, true, frame, frame);
  player.seek(frame + 1);
}

/** The training round: how far one agrees with the known answers, once one wants to know. */
function Check({ checked, ask }) {
  if (!checked) return html`<div class="row"><button onClick=${ask}>Compare with the answers</button></div>`;
  const rows = Object.entries(checked.agreement);
  const names = Object.keys(rows[0][1]);
  return html`<section class="panel" aria-label="Agreement with the answers"><table class="scores"><thead><tr><th></th>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.map(([label, scores]) => html`<tr key=${label}><th scope="row">${label}</th>${names.map((name) => html`<td class="number">${scores[name] ?? "–"}</td>`)}</tr>`)}</tbody></table>
    <button onClick=${ask}>Compare again</button></section>`;
}

function Pictures({ player, labels, marker, names, item, task, history, check }) {
  const { frame } = player;
  const here = new Set(labels.at(frame).map((mark) => mark.label));
  const done = Array.from({ length: item.frames }, (_, n) => n).filter((n) => labels.isSeen(names[0], n)).length;
  const pick = () => {
    const [x, y] = hand.at;
    labels.points.set(frame, [Math.round(x * 1000), Math.round(y * 1000)]);
    labels.act("point", { frame, valence: Math.round(x * 1000), arousal: Math.round(y * 1000) }).catch(() => {});
    onwards(player, labels);
  };
  const point = labels.points.get(frame);
  return html`<div class="side"><div class="panel">
      <p>Picture <span class="number">${frame + 1} of ${item.frames}</span>, ${done} done</p>
      ${task === "va" ? html`<${Plane} hand=${hand} dimension="both" onPick=${pick} />
        <p class="quiet">Click where the picture is; it goes on to the next.${point ? ` Now ${point[0] / 1000}, ${point[1] / 1000}.` : ""}</p>`
      : html`<div class="choices">${names.map((name, i) => html`<button key=${name} aria-pressed=${here.has(name)}
          onClick=${() => (task === "expression" ? (labels.put({ id: labels.newId(), label: name, first: frame, last: frame, apart: true }), onwards(player, labels)) : toggle(labels, name, frame))}>
          <kbd>${i + 1}</kbd> ${name}</button>`)}</div>
        <button class="primary" onClick=${() => onwards(player, labels)}>Next picture <kbd>Enter</kbd></button>`}
      ${history}${check}</div></div>`;
}

render(html`<${App} />`, document.getElementById("app").parentElement.appendChild(Object.assign(document.createElement("div"), { className: "app" })));
document.getElementById("app").remove();
