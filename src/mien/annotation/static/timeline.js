// Lanes of ranges over time: one per label. Ranges are buttons, so that they can be reached and read without
// a mouse; a click on a lane seeks.
import { html } from "mien";
import { useEffect, useRef } from "preact/hooks";

const MARKS = ["▮", "▲", "●", "◆", "■", "▼", "★", "✚"]; // never colour alone

export function Timeline({ lanes, count, frame, zoom, active, selected, marks, ghosts, pending, seen, onLane, onSeek, onSelect }) {
  const scroller = useRef();
  useEffect(() => {
    const view = scroller.current;
    const at = ((frame + 0.5) / count) * view.scrollWidth;
    const room = view.clientWidth;
    if (at < view.scrollLeft + 40 || at > view.scrollLeft + room - 40) view.scrollLeft = at - room / 3;
  }, [frame, zoom]);
  const place = (first, last) => ({ left: `${(first / count) * 100}%`, width: `max(3px, ${((last - first + 1) / count) * 100}%)` });
  const seek = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    onSeek(Math.min(Math.floor(((event.clientX - box.left) / box.width) * count), count - 1));
  };
  return html`<div class="timeline" role="group" aria-label="Timeline">
    <div class="lane-names">
      ${lanes.map((lane, i) => html`<button key=${lane} class="lane-name" aria-pressed=${lane === active}
        onClick=${() => onLane(lane)} title="${seen(lane) ? "looked through" : "not looked through yet"}">
        <kbd>${i < 9 ? i + 1 : ""}</kbd> ${lane} <span class=${seen(lane) ? "good" : "quiet"}>${seen(lane) ? "✓" : "·"}</span></button>`)}
    </div>
    <div class="lane-scroll" ref=${scroller}><div class="lane-area" style=${{ width: `${zoom * 100}%` }}>
      ${lanes.map((lane, i) => html`<div key=${lane} class="lane ${lane === active ? "active" : ""}"
        onClick=${(event) => { onLane(lane); seek(event); }}>
        ${ghosts.filter((ghost) => ghost.label === lane).map((ghost) => html`<span class="ghost ${ghost.kind}"
          style=${place(ghost.first, ghost.last)} title=${ghost.title}></span>`)}
        ${marks.filter((mark) => mark.label === lane).map((mark) => html`<button key=${mark.id}
          class="range shade-${i % 4} ${mark.id === selected ? "selected" : ""} ${mark.present === false ? "absent" : ""}"
          style=${place(mark.first, mark.last)}
          aria-label="${lane}, frames ${mark.first} to ${mark.last}${mark.intensity ? `, intensity ${mark.intensity}` : ""}${mark.present === false ? ", settled: absent" : ""}"
          aria-pressed=${mark.id === selected}
          onClick=${(event) => { event.stopPropagation(); onSelect(mark.id); }}>
          ${MARKS[i % MARKS.length]}${mark.intensity ?? ""}${mark.note ? "✎" : ""}</button>`)}
        ${pending?.label === lane && html`<span class="ghost pending" style=${place(Math.min(pending.first, frame), Math.max(pending.first, frame))}></span>`}
      </div>`)}
      <div class="playhead" style=${{ left: `${((frame + 0.5) / count) * 100}%` }}></div>
    </div></div>
  </div>`;
}
