// Pause, resume and stop of a run, and the word for how it stands.

import { post } from "./api.js";
import { announce, h, icon, put } from "./dom.js";
import { attempt } from "./toasts.js";

export const ENDED = new Set(["done", "failed", "stopped"]);
/** `reading`: the log of a run that has ended is being read. */
export const isBusy = (state) => !ENDED.has(state) && state !== "reading";
const WORDS = {
  reading: ["", ""],
  queued: ["waiting", ""], running: ["running", "live"], paused: ["paused", "warn"], waiting_approval: ["waiting for you", "warn"],
  done: ["done", "good"], failed: ["failed", "bad"], stopped: ["stopped", ""], interrupted: ["interrupted", "warn"], pausing: ["pausing", "warn"], stopping: ["stopping", "warn"],
};

export function stateTag(state) {
  const [words, tone] = WORDS[state] || [state, ""];
  return h("span", { class: `tag ${tone}${state === "running" ? " pulse" : ""}`, data: { state }, text: words });
}

/** Buttons for a run. `asked(what)` is told when the server has noted it. */
export function runControls(runId, asked) {
  const element = h("span", { class: "row controls" });
  const button = (name, path, words, tone = "") => h("button", {
    type: "button", class: `button small ${tone}`, data: { do: path },
    on: { click: (event) => attempt(async () => { await post(`runs/${runId}/${path}`); announce(`${words}: noted`); asked(path); }, event.currentTarget) },
  }, icon(name), words);
  return {
    element,
    show(state) {
      if (element.dataset.state === state) return;
      element.dataset.state = state;
      if (state === "done" || state === "reading") put(element);
      else if (state === "paused") put(element, button("play", "resume", "Resume"), button("stop", "stop", "Stop", "danger"));
      else if (["stopped", "failed", "interrupted"].includes(state)) put(element, button("play", "resume", "Resume"));
      else if (state === "stopping") put(element);
      else put(element, state === "running" ? button("pause", "pause", "Pause") : null, button("stop", "stop", "Stop", "danger"));
    },
  };
}
