// What the pages share: preact with htm, requests with errors in one line, colours, theme.
import { h, render } from "preact";
import htm from "htm";

export const html = htm.bind(h);
export { h, render };

/** What the server gave this page (`page(..., data=...)`). */
export function pageData() {
  return JSON.parse(document.getElementById("page-data").textContent);
}

/** An answer of the server that says what went wrong, in one line. */
export class ServerError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/**
 * Ask the server. body: undefined, a Blob (sent as it is) or a value (sent as JSON).
 * Returns the JSON of the answer. Throws ServerError; status 0: the server cannot be reached.
 */
export async function api(path, { method, body, signal } = {}) {
  const raw = body instanceof Blob;
  const options = { method: method ?? (body === undefined ? "GET" : "POST"), signal };
  if (body !== undefined) {
    options.body = raw ? body : JSON.stringify(body);
    options.headers = { "Content-Type": raw ? body.type : "application/json" };
  }
  const answer = await reach(path, options);
  if (answer.status === 204) return null;
  const value = await answer.json().catch(() => null);
  if (!answer.ok) throw new ServerError(answer.status, value?.error ?? `the server answered ${answer.status}`);
  return value;
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError(0, "the server cannot be reached: is `mien` still running?");
  }
}

/** A colour of base.css as rgb(), as it is in the present theme: colour("accent"). For canvases. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** "light", "dark", or "" for the system's; kept for the next visit. */
export function theme(choice) {
  if (choice !== undefined) {
    localStorage.setItem("mien-theme", choice);
    document.documentElement.dataset.theme = choice;
    if (!choice) delete document.documentElement.dataset.theme;
    window.dispatchEvent(new Event("mien-theme"));
  }
  return document.documentElement.dataset.theme ?? "";
}

const kept = localStorage.getItem("mien-theme");
if (kept) document.documentElement.dataset.theme = kept;
