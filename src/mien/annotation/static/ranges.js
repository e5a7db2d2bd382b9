// Ranges of Action Units and expressions: keys that are held, edges, intensities, suggestions, disputes.
import { html } from "mien";
import { useEffect, useState } from "preact/hooks";
import { cut } from "./labels.js";

const LETTERS = "abcde";

/** What keys do on ranges; the view asks it what is active and selected. */
export class Marker extends EventTarget {
  constructor(player, labels, lanes) {
    super();
    Object.assign(this, { player, labels, lanes });
    this.active = lanes[0];
    this.selected = null;
    this.pending = null; // { label, first } of a range that began
    this.holding = new Map(); // key that is down to { label, first }
    this.clipboard = null;
    this.adjudicating = false;
    this.queue = []; // suggestions or disputes, in order of time
    this.current = null;
    this.bySurety = false; // the queue's order: the model's, or of time
    this.clampSelected = () => { if (this.selected && !labels.marks.has(this.selected)) this.selected = null; };
    labels.addEventListener("change", this.clampSelected);
  }

  close() { this.labels.removeEventListener("change", this.clampSelected); }
  say() { this.dispatchEvent(new Event("change")); }
  get mark() { return this.labels.marks.get(this.selected) ?? null; }

  choose(id) {
    this.selected = id;
    if (this.mark) this.active = this.mark.label;
    this.say();
  }

  lane(label) {
    this.active = label;
    this.say();
  }

  put(label, first, last, more = {}) {
    const [a, b] = [Math.min(first, last), Math.max(first, last)];
    const mark = { id: this.labels.newId(), label, first: a, last: b, ...more };
    if (this.adjudicating) mark.present ??= true;
    this.selected = this.labels.put(mark).id;
    this.active = label;
    this.say();
  }

  /** A digit goes down: the label begins; or, while paused, it holds in this frame. */
  digitDown(number, repeated) {
    const label = this.lanes[number - 1];
    if (!label || repeated) return Boolean(label);
    this.active = label;
    if (this.player.playing) this.holding.set(number, { label, first: this.player.frame });
    else this.toggleFrame(label);
    this.say();
    return true;
  }

  digitUp(number) {
    const held = this.holding.get(number);
    if (!held) return;
    this.holding.delete(number);
    this.put(held.label, held.first, this.player.frame);
  }

  toggleFrame(label) {
    const { frame } = this.player;
    const here = this.labels.ofLabel(label).find((mark) => mark.first <= frame && frame <= mark.last);
    if (here && here.first === here.last) this.labels.edit({ remove: [here.id] }).catch(() => {});
    else if (!here) this.put(label, frame, frame);
    else this.choose(here.id);
  }

  /** Do what an action of the keymap says; whether it was one of these. */
  do(action) {
    const { player, labels } = this;
    const { frame } = player;
    const last = player.count - 1;
    const { mark } = this;
    const change = (to) => labels.put({ ...to, apart: true });
    const actions = {
      begin: () => { this.pending = { label: this.active, first: frame }; },
      end: () => {
        if (this.pending) this.put(this.pending.label, this.pending.first, frame);
        this.pending = null;
      },
      single: () => this.toggleFrame(this.active),
      apex: () => mark && frame >= mark.first && frame <= mark.last && labels.edit({ change: [{ ...mark, apex: frame }] }).catch(() => {}),
      split: () => {
        if (!mark || frame <= mark.first || frame > mark.last) return;
        const rest = { ...cut(mark, frame, mark.last), id: labels.newId() };
        labels.edit({ change: [cut(mark, mark.first, frame - 1)], add: [rest] }).catch(() => {});
      },
      merge: () => {
        const next = mark && labels.ofLabel(mark.label).find((other) => other.first > mark.last);
        const between = next && [...labels.marks.values()].some((other) => labels.exclusive && other.label !== mark.label && other.first > mark.last && other.first < next.first);
        if (next && !between) labels.edit({ change: [{ ...mark, last: next.last }], remove: [next.id] }).catch(() => {});
      },
      copy: () => { this.clipboard = mark; },
      paste: () => {
        if (!this.clipboard) return;
        const { id, first, last: end, apex, ...rest } = this.clipboard;
        this.put(this.clipboard.label, frame, Math.min(frame + end - first, last), rest);
      },
      earlier: () => mark && mark.first > 0 && change(shifted(mark, -1)),
      later: () => mark && mark.last < last && change(shifted(mark, 1)),
      startEarlier: () => mark && mark.first > 0 && change({ ...mark, first: mark.first - 1 }),
      endLater: () => mark && mark.last < last && change({ ...mark, last: mark.last + 1 }),
      remove: () => { if (mark) labels.edit({ remove: [mark.id] }).catch(() => {}); },
      next: () => this.go(1),
      previous: () => this.go(-1),
      watch: () => {
        const at = this.current ?? mark;
        if (at) { player.setLoop(at.first, at.last); player.seek(at.first).then(() => player.play()); }
      },
      laneUp: () => this.lane(this.lanes[Math.max(this.lanes.indexOf(this.active) - 1, 0)]),
      laneDown: () => this.lane(this.lanes[Math.min(this.lanes.indexOf(this.active) + 1, this.lanes.length - 1)]),
      seen: () => labels.setSeen([this.active], !labels.isSeen(this.active)),
      accept: () => this.settle(true),
      reject: () => this.settle(false),
    };
    if (!actions[action]) return false;
    actions[action]();
    this.say();
    return true;
  }

  intensity(letter) {
    const { mark } = this;
    if (!mark || this.labels.exclusive) return false;
    this.labels.edit({ change: [{ ...mark, intensity: letter.toUpperCase() }] }).catch(() => {});
    this.say();
    return true;
  }

  /** Go to the next dispute or range. */
  go(by) {
    const list = this.queue.length ? this.queue : [...this.labels.marks.values()].sort((a, b) => a.first - b.first);
    if (!list.length) return;
    const { frame } = this.player;
    let to;
    const at = list.indexOf(this.current);
    if (at >= 0) to = list[(at + by + list.length) % list.length];
    else if (this.bySurety) [to] = list;
    else to = by > 0 ? list.find((one) => one.first > frame) ?? list[0] : list.findLast((one) => one.first < frame) ?? list.at(-1);
    this.current = this.queue.length ? to : null;
    if (this.labels.marks.has(to.id)) this.choose(to.id);
    else this.active = this.lanes.includes(to.label) ? to.label : this.active;
    this.player.pause();
    this.player.seek(to.first);
  }

  /** Put what the model is least sure of first. */
  uncertain() {
    this.queue = this.queue.toSorted((a, b) => Math.abs(a.confidence - 0.5) - Math.abs(b.confidence - 0.5));
    this.current = null;
    this.bySurety = true;
    this.go(1);
    this.say();
  }

  /** The adjudicator's word on the dispute that is shown, or the annotator's on a suggestion. */
  settle(holds) {
    const at = this.current;
    if (!at) return;
    if (at.said) {
      const label = at.label === "expression" ? this.active : at.label;
      if (at.label === "expression" && !holds) return;
      this.put(label, at.first, at.last, { present: holds });
    } else if (holds) {
      this.labels.put({ ...at, apart: true }); // it keeps its name, and so its origin, however it is nudged
      this.choose(at.id);
    } else this.labels.act("reject", { of: at.id }).catch(() => {});
    const place = this.queue.indexOf(at);
    this.queue = this.queue.filter((one) => one !== at);
    this.current = this.queue[Math.min(place, this.queue.length - 1)] ?? null;
    if (this.current) this.player.seek(this.current.first);
    this.say();
  }
}

function shifted(mark, by) {
  const moved = { ...mark, first: mark.first + by, last: mark.last + by };
  if (mark.apex !== undefined) moved.apex = mark.apex + by;
  return moved;
}

/** The range that is selected, or the dispute that is shown, in words and buttons. */
export function RangePanel({ marker, labels, player, round }) {
  const [note, setNote] = useState("");
  const { mark, current } = marker;
  useEffect(() => setNote(mark?.note ?? ""), [marker.selected]);
  const keepNote = () => {
    if (mark && note !== (mark.note ?? "")) labels.edit({ change: [{ ...mark, note }] }).catch(() => {});
  };
  const seconds = (frame) => `${player.times[frame].toFixed(2)} s`;
  return html`<div class="panel ranges">
    ${current && html`<section aria-label="To settle"><h2>${current.said ? "Dispute" : "Suggestion"}
      <span class="quiet number"> ${marker.queue.indexOf(current) + 1} of ${marker.queue.length}</span></h2>
      <p><b>${current.label}</b>, frames <span class="number">${current.first}–${current.last}</span>${current.confidence !== undefined ? `, ${Math.round(current.confidence * 100)} % sure` : ""}</p>
      ${current.said && html`<ul>${Object.entries(current.said).map(([name, said]) => html`<li key=${name}>${name}: ${said === true ? "active" : said === false ? "not active" : said}</li>`)}</ul>`}
      <div class="row"><button onClick=${() => marker.do("watch")}>Watch <kbd>w</kbd></button>
        <button class="primary" onClick=${() => marker.do("accept")}>${current.said ? "It holds" : "Accept"} <kbd>Enter</kbd></button>
        <button onClick=${() => marker.do("reject")}>${current.said ? "It does not" : "Reject"} <kbd>x</kbd></button></div></section>`}
    ${!current && marker.queue.length > 0 && html`<div class="row"><button onClick=${() => marker.go(1)}>Next ${marker.queue[0].said ? "dispute" : "suggestion"} <kbd>n</kbd></button>
      ${!marker.queue[0].said && html`<button onClick=${() => marker.uncertain()}>Most uncertain first</button>`}
      <span class="quiet">${marker.queue.length} to settle</span></div>`}
    ${mark && !current ? html`<section aria-label="The range"><h2>${mark.label}</h2>
      <p class="number">frames ${mark.first}–${mark.last}, ${seconds(mark.first)} to ${seconds(mark.last)}${mark.apex !== undefined ? `, apex ${mark.apex}` : ""}</p>
      ${!labels.exclusive && html`<div class="row" role="group" aria-label="Intensity">${[...LETTERS].map((letter) => html`<button key=${letter}
        aria-pressed=${mark.intensity === letter.toUpperCase()} onClick=${() => marker.intensity(letter)}>${letter.toUpperCase()}</button>`)}
        <button onClick=${() => marker.do("apex")}>Apex <kbd>p</kbd></button></div>`}
      <div class="row"><button onClick=${() => marker.do("watch")}>Watch</button><button onClick=${() => marker.do("split")}>Split</button>
        <button onClick=${() => marker.do("merge")}>Merge</button><button onClick=${() => marker.do("copy")}>Copy</button>
        <button class="danger" onClick=${() => marker.do("remove")}>Remove</button></div>
      <label>Note <textarea rows="2" maxlength="2000" value=${note} onInput=${(event) => setNote(event.target.value)} onBlur=${keepNote}></textarea></label>
      </section>`
    : !current && html`<p class="quiet">Hold a number while the label is on, or press <kbd>i</kbd> where it begins and <kbd>o</kbd> where it ends. Paused, a number marks this frame alone.</p>`}
    <div class="row"><button aria-pressed=${labels.isSeen(marker.active)} onClick=${() => marker.do("seen")}>${labels.exclusive ? "Looked for" : "Looked through for"} ${marker.active} <kbd>t</kbd></button>
      ${round !== "first" && html`<span class="quiet">${round === "verify" ? "second look" : "adjudication"}</span>`}</div>
  </div>`;
}
