// How the newest runs stand: asked for often while something goes on, seldom otherwise, never from a hidden page.
// Events tell what happened in a run; that somebody paused it, or that its process died, stands only here.

import { get } from "./api.js";
import { ENDED } from "./controls.js";

const BUSY_MS = 2000;
const IDLE_MS = 15000;
const watchers = new Set();
let lines = [];
let timer = null;
let asking = null;

export const runLines = () => lines;
export const lineOf = (runId) => lines.find((line) => line.run_id === runId);
export const isLive = (line) => !ENDED.has(line.state);

/** `watch(lines)` is called after each look. */
export function onStates(watch) {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

/** Look now. Never fails: a server that does not answer is asked again later. */
export function lookNow() {
  asking ||= get("runs?limit=100").then((found) => {
    lines = found;
    for (const watch of watchers) watch(lines);
  }).catch(() => {}).finally(() => {
    asking = null;
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(lookNow, lines.some(isLive) ? BUSY_MS : IDLE_MS);
  });
  return asking;
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) lookNow();
});
