// Labels of one item and task, as this annotator has them now. Every change is drawn at once, sent, and
// taken back if the server refuses it.
import { api } from "mien";

export class Labels extends EventTarget {
  static async open(outbox, item, task, names) {
    const labels = new Labels(outbox, item, task, names);
    await labels.reload();
    return labels;
  }

  constructor(outbox, item, task, names) {
    super();
    Object.assign(this, { outbox, item, task, names, path: `/api/labels/${item.id}/${task}` });
    this.exclusive = task === "expression";
    this.touched = performance.now();
    this._pending = 0;
    this._stale = false;
  }

  async reload() {
    this._take(await api(this.path));
  }

  _take(told) {
    this.marks = new Map(told.marks.map((mark) => [mark.id, mark]));
    this.takes = told.takes;
    this.nudges = told.nudges;
    this.points = new Map(told.points.map(([frame, ...values]) => [frame, values]));
    this.seen = told.seen;
    this.note = told.note;
    this.undoable = told.undoable;
    this.redoable = told.redoable;
    this._changed();
  }

  _changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Milliseconds since the last action: what this one took. */
  _spent() {
    const now = performance.now();
    const spent = now - this.touched;
    this.touched = now;
    return Math.min(spent, 120_000); // longer is a pause
  }

  /** Send an action. What the server answers counts once nothing else is under way. */
  async _act(kind, body) {
    const edit = !["samples", "undo", "redo"].includes(kind);
    const by = { undo: [-1, 1], redo: [1, -1] }[kind] ?? [edit ? 1 : 0, edit ? -this.redoable : 0];
    this.undoable += by[0];
    this.redoable += by[1];
    this._changed();
    this._pending += 1;
    let told = null;
    try {
      told = await this.outbox.add(this.path, kind, body, this._spent());
    } finally {
      this._pending -= 1;
      this._stale ||= told === null || told.labels !== undefined;
      if (this._pending === 0) await this._settle(told);
    }
  }

  async _settle(told) {
    if (!told?.labels && this._stale) await this.reload();
    else if (told?.labels) this._take(told.labels);
    else {
      this.undoable = told.undoable;
      this.redoable = told.redoable;
      this._changed();
    }
    this._stale = false;
  }

  newId() {
    return this.outbox.newId();
  }

  /** One edit: ranges that are added, changed and removed together, and undone together. */
  edit({ add = [], change = [], remove = [] }) {
    for (const id of remove) this.marks.delete(id);
    for (const mark of [...add, ...change]) this.marks.set(mark.id, mark);
    const body = {};
    if (add.length) body.add = add;
    if (change.length) body.change = change;
    if (remove.length) body.remove = remove;
    return this._act("ranges", body);
  }

  /**
   * Put a range where others of its lane may be: of the same label it joins them; of another expression
   * they give way, as a frame has one expression at the most.
   */
  put(mark) {
    const change = [];
    const remove = [];
    const add = [];
    let { first, last } = mark;
    for (const other of this.marks.values()) {
      const lane = this.exclusive || other.label === mark.label;
      if (!lane || other.id === mark.id) continue;
      const same = other.label === mark.label && (other.present ?? true) === (mark.present ?? true);
      if (same && other.first <= last + 1 && other.last >= first - 1 && !mark.apart) {
        first = Math.min(first, other.first);
        last = Math.max(last, other.last);
        remove.push(other.id);
      } else if (other.first <= last && other.last >= first) {
        if (other.first >= first && other.last <= last) remove.push(other.id);
        else if (other.first < first && other.last > last) {
          change.push(cut(other, other.first, first - 1));
          add.push({ ...cut(other, last + 1, other.last), id: this.newId() });
        } else if (other.first < first) change.push(cut(other, other.first, first - 1));
        else change.push(cut(other, last + 1, other.last));
      }
    }
    const { apart, ...rest } = mark;
    const whole = { ...rest, first, last };
    if (this.marks.has(mark.id)) change.push(whole);
    else add.push(whole);
    this.edit({ add, change, remove }).catch(() => {});
    return whole;
  }

  act(kind, body = {}) {
    return this._act(kind, body);
  }

  undo() { return this.undoable ? this._act("undo", {}).catch(() => {}) : null; }
  redo() { return this.redoable ? this._act("redo", {}).catch(() => {}) : null; }

  /** Ranges that hold in a frame. */
  at(frame) {
    return [...this.marks.values()].filter((mark) => mark.first <= frame && frame <= mark.last);
  }

  ofLabel(label) {
    return [...this.marks.values()].filter((mark) => mark.label === label).sort((a, b) => a.first - b.first);
  }

  isSeen(label, frame = null) {
    const spans = this.seen[label] ?? [];
    if (frame !== null) return spans.some(([first, last]) => first <= frame && frame <= last);
    return spans.some(([first, last]) => first === 0 && last === this.item.frames - 1);
  }

  setSeen(names, seen, first, last) {
    const body = { labels: names, seen };
    if (first !== undefined) Object.assign(body, { first, last: last ?? first });
    const range = [first ?? 0, last ?? first ?? this.item.frames - 1];
    for (const name of names) {
      const rest = (this.seen[name] ?? []).filter(([a, b]) => b < range[0] || a > range[1]);
      this.seen[name] = seen ? [...rest, range] : rest; // the server's answer to an undo is exact
    }
    return this._act("seen", body).catch(() => {});
  }
}

export function cut(mark, first, last) {
  const { apex, ...rest } = mark;
  const inside = apex !== undefined && first <= apex && apex <= last;
  return inside ? { ...mark, first, last } : { ...rest, first, last };
}

/** The trace that counts, [[seconds, value], ...], of takes and nudges as the server composes them. */
export function traceOf(labels, dimension) {
  let points = [];
  const nudge = (after) => {
    for (const n of labels.nudges) {
      if (n.after !== after || n.dimension !== dimension) continue;
      points = points.map(([s, v]) => (s >= n.from_s && s <= n.to_s ? [s, Math.min(Math.max(v + n.by, -1000), 1000)] : [s, v]));
    }
  };
  labels.takes.forEach((take, number) => {
    nudge(number);
    if (!take.samples.length || ![dimension, "both"].includes(take.dimension)) return;
    const column = take.dimension === "both" && dimension === "arousal" ? 2 : 1;
    const mine = take.samples.map((row) => [row[0], row[column]]);
    const [from, to] = [mine[0][0], mine.at(-1)[0]];
    points = [...points.filter(([s]) => s < from || s > to), ...mine].sort((a, b) => a[0] - b[0]);
  });
  nudge(labels.takes.length);
  return points;
}
