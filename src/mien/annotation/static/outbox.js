// Sends what an annotator does, in order, and says whether it is on the server's disk. What was not sent
// yet is kept in this browser, so that neither a reload nor a server that stopped loses it: each action
// has a key of its own, and counts once however often it is sent.
import { api, ServerError } from "mien";

const KEPT = "mien-annotate-unsent";
const RETRY_MS = 1000;
const AT_ONCE = 100; // actions of one request
const FLUSH_MS = 60; // samples of a trace wait so long at the most

export class Outbox extends EventTarget {
  constructor(who) {
    super();
    this.kept = `${KEPT}-${who}`;
    this.waiting = JSON.parse(localStorage.getItem(this.kept) ?? "[]");
    this.prefix = crypto.randomUUID().slice(0, 13);
    this.number = 0;
    this.state = "saved"; // saving, unreachable
    this._send();
  }

  /** A name that was never used before, for an action, a range or a take. */
  newId() {
    return `${this.prefix}-${(this.number += 1)}`;
  }

  /** Queue an action; resolves with the server's answer once it is on the disk, or rejects if refused. */
  add(path, kind, body, spent_ms = 0) {
    const key = this.newId();
    const action = { key, kind, body, spent_ms: Math.min(Math.round(spent_ms), 86_400_000) };
    return new Promise((resolve, reject) => {
      this.waiting.push({ path, action, done: { resolve, reject } });
      this._keep();
      if (kind === "samples") this._later();
      else this._send();
    });
  }

  _later() {
    this._timer ??= setTimeout(() => { this._timer = null; this._send(); }, FLUSH_MS);
  }

  async _send() {
    if (this._sending) return;
    this._sending = true;
    while (this.waiting.length) {
      this._say("saving");
      const { path } = this.waiting[0];
      const batch = [];
      for (const entry of this.waiting) {
        if (entry.path !== path || batch.length === AT_ONCE) break;
        batch.push(entry);
        if (entry.action.kind === "undo" || entry.action.kind === "redo") break;
      }
      try {
        const answer = await api(path, { body: { actions: batch.map((entry) => entry.action) } });
        this._settle(batch, (entry) => entry.done?.resolve(answer));
      } catch (error) {
        if (!(error instanceof ServerError) || error.status === 0 || error.status >= 500 || error.status === 401) {
          this._say("unreachable");
          await new Promise((done) => setTimeout(done, RETRY_MS));
        } else {
          this._settle(batch, (entry) => entry.done?.reject(error));
          this.dispatchEvent(new CustomEvent("refused", { detail: error.message }));
        }
      }
    }
    this._sending = false;
    this._say("saved");
  }

  _settle(batch, tell) {
    this.waiting.splice(0, batch.length);
    this._keep();
    batch.forEach(tell);
  }

  _keep() {
    const plain = this.waiting.map(({ path, action }) => ({ path, action }));
    localStorage.setItem(this.kept, JSON.stringify(plain));
  }

  _say(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
