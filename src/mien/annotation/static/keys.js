// Which key does what: shown with `?`, changeable, kept in this browser. The player's own keys are fixed.
import { html } from "mien";
import { useEffect, useRef, useState } from "preact/hooks";

const KEPT = "mien-annotate-keys";

/** Action to its name, usual key and where it holds. */
export const ACTIONS = {
  undo: ["Undo", "Ctrl+z", "everywhere"],
  redo: ["Redo", "Ctrl+y", "everywhere"],
  help: ["Show these keys", "?", "everywhere"],
  record: ["Record, or stop", "r", "valence and arousal"],
  begin: ["Range begins at this frame", "i", "ranges"],
  end: ["Range ends at this frame", "o", "ranges"],
  single: ["This frame alone", "f", "ranges"],
  apex: ["Apex at this frame", "p", "ranges"],
  split: ["Split the range here", "s", "ranges"],
  merge: ["Merge with the next range", "m", "ranges"],
  copy: ["Copy the range", "y", "ranges"],
  paste: ["Paste it at this frame", "v", "ranges"],
  earlier: ["Nudge the range a frame earlier", ",", "ranges"],
  later: ["Nudge the range a frame later", ".", "ranges"],
  startEarlier: ["Its start a frame earlier", "<", "ranges"],
  endLater: ["Its end a frame later", ">", "ranges"],
  remove: ["Remove the range", "Delete", "ranges"],
  next: ["Next range, suggestion or dispute", "n", "ranges"],
  previous: ["The one before", "N", "ranges"],
  watch: ["Watch the range, again and again", "w", "ranges"],
  laneUp: ["Lane above", "k", "ranges"],
  laneDown: ["Lane below", "j", "ranges"],
  seen: ["This lane was looked through", "t", "ranges"],
  accept: ["Accept the suggestion; settle: it holds", "Enter", "suggestions, disputes"],
  reject: ["Reject the suggestion; settle: it does not", "x", "suggestions, disputes"],
};
export const FIXED = [
  ["1 … 9", "hold: the label is on; while paused: this frame"],
  ["a … e", "intensity of the range, A to E"],
  ["space", "play, pause"],
  ["← →", "a frame back, on (with Shift: ten)"],
  ["[ ] \\", "loop: start, end, off"],
  ["- =", "slower, faster"],
  ["z", "zoom on the face"],
];

export function keymap() {
  const changed = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  return Object.fromEntries(Object.entries(ACTIONS).map(([name, [, usual]]) => [name, changed[name] ?? usual]));
}

export function pressed(event) {
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  return control + (control ? event.key.toLowerCase() : event.key);
}

/** The action that a key event asks for, or undefined. */
export function actionOf(event) {
  const key = pressed(event);
  if (key === "Ctrl+Z" || (key === "Ctrl+z" && event.shiftKey)) return "redo";
  const map = keymap();
  return Object.keys(map).find((name) => map[name] === key);
}

export function KeyHelp({ close }) {
  const [map, setMap] = useState(keymap());
  const [asking, setAsking] = useState(null);
  const dialog = useRef();
  useEffect(() => { dialog.current.showModal(); }, []);
  const take = (event) => {
    if (!asking) return;
    event.preventDefault();
    event.stopPropagation();
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
    const key = pressed(event);
    const taken = Object.keys(map).find((name) => map[name] === key && name !== asking);
    if (key !== "Escape" && !taken && !/^[0-9a-e ]$/.test(key)) {
      const changed = { ...map, [asking]: key };
      localStorage.setItem(KEPT, JSON.stringify(changed));
      setMap(changed);
    }
    setAsking(null);
  };
  const usual = () => { localStorage.removeItem(KEPT); setMap(keymap()); };
  return html`<dialog ref=${dialog} class="keys" onClose=${close} onKeyDown=${take} aria-label="Keys">
    <div class="row spread"><h2>Keys</h2>
      <span class="row"><button onClick=${usual}>As they were</button>
      <button class="primary" onClick=${() => dialog.current.close()}>Close</button></span></div>
    <div class="columns"><table><tbody>
      ${Object.entries(ACTIONS).map(([name, [title]]) => html`<tr key=${name}><td>${title}</td>
        <td><kbd>${asking === name ? "press a key" : map[name]}</kbd></td>
        <td><button onClick=${() => setAsking(name)} aria-label="Change the key of ${title}">Change</button></td></tr>`)}
    </tbody></table><table><tbody>
      ${FIXED.map(([key, title]) => html`<tr key=${key}><td><kbd>${key}</kbd></td><td>${title}</td></tr>`)}
    </tbody></table></div>
  </dialog>`;
}
