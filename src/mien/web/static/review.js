// mien review: a contact sheet per track; what is decided goes to the server, which keeps it at once.
import { api, html, pageData, render } from "mien";
import { useEffect, useState } from "preact/hooks";

const DATA = pageData();
const SEXES = ["", "f", "m", "other"];
const SHOWN = [12, 36, 120, 600];
const PARTS = {
  sharpness: "sharp", size: "size", exposure: "light", frontality: "frontal", uncovered: "uncovered", confidence: "detector",
};

const percent = (value) => (value == null ? "–" : `${Math.round(100 * value)}`);
const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
const degrees = (value) => `${Math.round(value)}°`;

/** A decision in words. */
function words({ what, faces, about, values }) {
  const many = faces === 1 ? "1 face" : `${faces} faces`;
  const value = values.length ? `“${values.at(-1)}”` : "nothing";
  const whom = about.length > 2 ? `${about.length} ids` : about.join(", ");
  return { drop: `drop ${many}`, keep: `keep ${many}`, merge: `one person: ${value}`,
    rename: `${whom} named ${value}` }[what] ?? `${what} of ${whom}: ${value}`;
}

function Head({ overview, act, view, setView, total, chosen, setChosen }) {
  const { faces, out, groups, people, videos, waiting, undo, redo } = overview;
  const change = (key) => (event) => setView({ ...view, start: 0, [key]: event.target.value });
  const last = Math.min(view.start + DATA.per_page, total);
  return html`<header class="review-head">
    <div class="row spread">
      <h1>${DATA.store}</h1>
      <span class="number" id="counts">${faces - out} of ${faces} faces, ${groups} tracks, ${people} people</span>
      <div class="row">
        <button id="undo" disabled=${!undo} title=${undo ? words(undo) : ""} onClick=${() => act("/undo")}>Undo</button>
        <button id="redo" disabled=${!redo} title=${redo ? words(redo) : ""} onClick=${() => act("/redo")}>Redo</button>
        <button id="apply" class=${waiting ? "primary" : ""} disabled=${!waiting} onClick=${() => act("/apply")}>
          ${waiting ? `Apply ${waiting} to the store` : "All applied"}</button>
      </div>
    </div>
    <div class="row">
      <label>video <select value=${view.video} onChange=${change("video")}>
        <option value="">all</option>${videos.map((v) => html`<option>${v}</option>`)}</select></label>
      <label>faces <select value=${view.shown} onChange=${change("shown")}>
        ${SHOWN.map((n) => html`<option value=${n}>up to ${n}</option>`)}</select></label>
      <label>order <select value=${view.order} onChange=${change("order")}>
        <option value="time">evenly spaced in time</option><option value="worst">worst first</option></select></label>
      <button id="merge" disabled=${chosen.size < 2}
        onClick=${() => act("/decide", { what: "merge", groups: [...chosen] }).then(() => setChosen(new Set()))}>
        ${chosen.size < 2 ? "Tick tracks of one person to merge" : `These ${chosen.size} are one person`}</button>
      <span class="row"><button disabled=${!view.start} onClick=${() => setView({ ...view, start: Math.max(0, view.start - DATA.per_page) })}>◀</button>
        <span class="number">${total ? view.start + 1 : 0}–${last} of ${total}</span>
        <button disabled=${last >= total} onClick=${() => setView({ ...view, start: last })}>▶</button></span>
    </div>
  </header>`;
}

function Track({ group, act, chosen, setChosen }) {
  const [picked, setPicked] = useState([]);
  const { key, shown, subject } = group;
  const ids = shown.map((face) => face.id);
  useEffect(() => setPicked((before) => before.filter((id) => ids.includes(id))), [ids.join()]);
  const pick = (id) => (event) => {
    const from = ids.indexOf(picked.at(-1));
    if (event.shiftKey && from >= 0) {
      const [a, b] = [from, ids.indexOf(id)].sort((x, y) => x - y);
      setPicked([...new Set([...picked, ...ids.slice(a, b + 1)])]);
    } else setPicked(picked.includes(id) ? picked.filter((other) => other !== id) : [...picked, id]);
  };
  const decide = (what, rest) => act("/decide", { what, ...rest }).then(() => setPicked([]));
  const inOrder = ids.filter((id) => picked.includes(id));
  const tick = (event) => {
    const next = new Set(chosen);
    if (event.target.checked) next.add(key); else next.delete(key);
    setChosen(next);
  };
  const state = (column) => (event) => act("/decide", { what: column, group: key, value: event.target.value });
  const gone = group.out === group.faces;
  return html`<section class="panel review-track ${gone ? "review-gone" : ""}" data-key=${key}>
    <div class="row spread">
      <label class="review-title"><input type="checkbox" disabled=${!subject} checked=${chosen.has(key)} onChange=${tick} />
        <strong>${group.title}</strong></label>
      ${subject && html`<span class="review-who">known as <b>${group.known_as}</b></span>`}
      <span class="quiet number">${group.faces - group.out} of ${group.faces} faces${
        group.to_s == null ? "" : `, ${clock(group.from_s)} to ${clock(group.to_s)}`}</span>
    </div>
    <div class="review-sheet">${shown.map((face) => html`<button key=${face.id} class="review-face ${face.out ? "out" : ""}"
      aria-pressed=${picked.includes(face.id)} aria-label=${`face ${face.id}${face.out ? ", dropped" : ""}`}
      title=${`face ${face.id}, quality ${percent(face.quality)}`} onClick=${pick(face.id)}>
      <img src=${`/face/${face.id}.jpg`} alt="" loading="lazy" /></button>`)}</div>
    <div class="row">
      <button class="danger drop" disabled=${!picked.length} onClick=${() => decide("drop", { faces: picked })}>Drop ${picked.length || ""}</button>
      <button class="span" disabled=${picked.length < 2} title="the chosen ones, and all frames between them"
        onClick=${() => decide("drop", { group: key, between: inOrder })}>Drop first to last</button>
      <button class="keep" disabled=${!group.out} onClick=${() => decide("keep", picked.length ? { faces: picked } : { group: key })}>
        ${picked.length ? `Keep ${picked.length}` : "Keep all"}</button>
      <button class="danger drop-track" disabled=${gone} onClick=${() => decide("drop", { group: key })}>Drop track</button>
      ${subject && html`
        <label>person <input class="person" value=${group.person} placeholder=${group.known_as} maxlength="200" onChange=${state("person")} /></label>
        <label>sex <select class="sex" value=${group.sex} onChange=${state("sex")}>
          ${[...new Set([...SEXES, group.sex])].map((sex) => html`<option value=${sex}>${sex || "–"}</option>`)}</select></label>
        <label class="review-notes">notes <input class="notes" value=${group.notes} maxlength="1000" onChange=${state("notes")} /></label>`}
    </div>
    <${Measured} group=${group} />
  </section>`;
}

function Measured({ group: { quality, sizes } }) {
  const pose = ["yaw", "roll"].filter((name) => quality[name] != null);
  return html`<div class="row quiet review-measured">
    ${sizes[0] != null && html`<span class="number">${sizes.map((v) => Math.round(v)).join(" – ")} px</span>`}
    ${Object.entries(PARTS).map(([name, title]) => quality[name] != null && html`<span>${title}
      <meter min="0" max="1" low="0.35" value=${quality[name]}></meter> <span class="number">${percent(quality[name])}</span></span>`)}
    ${pose.length > 0 && html`<span class="number">${pose.map((name) => `${name} ${degrees(quality[name])}`).join(", ")}</span>`}
  </div>`;
}

function App() {
  const [view, setView] = useState({ start: 0, shown: "12", order: "time", video: "" });
  const [told, setTold] = useState(null);
  const [chosen, setChosen] = useState(new Set());
  const [wrong, setWrong] = useState("");
  const load = async () => {
    try {
      setTold(await api(`/groups?${new URLSearchParams(view)}`));
    } catch (error) {
      setWrong(error.message);
    }
  };
  const act = async (path, body = {}) => {
    setWrong("");
    try {
      await api(path, { body });
    } catch (error) {
      setWrong(error.message);
    }
    await load();
  };
  useEffect(() => { load(); }, [view]);
  useEffect(() => {
    const key = (event) => {
      if (event.target.matches?.("input:not([type=checkbox])") || !(event.ctrlKey || event.metaKey)) return;
      if (event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      act(event.shiftKey ? "/redo" : "/undo");
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [view]);
  if (!told) return html`<p role="alert">${wrong}</p>`;
  return html`<${Head} ...${{ overview: told.overview, total: told.total, act, view, setView, chosen, setChosen }} />
    <p role="alert">${wrong}</p>
    ${told.groups.map((group) => html`<${Track} key=${group.key} ...${{ group, act, chosen, setChosen }} />`)}
    <h2>Decided last</h2>
    <ol class="quiet" id="history">${told.overview.history.map((entry) => html`<li>${words(entry)}</li>`)}</ol>`;
}

render(html`<${App} />`, document.getElementById("app"));
