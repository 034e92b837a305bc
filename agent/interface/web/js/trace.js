// The steps of a turn: tool, arguments, status, seconds; inside: what it said while working, what came out, what was not
// checked, and what to do where it failed.

import { h, put } from "./dom.js";
import { actionLabel, argsLine, clip, label, plural, seconds, valueText } from "./format.js";
import { showCall } from "./provenance.js";

const FAULTS = {
  input: "The request has to be changed", install: "Something has to be installed", retry: "It can be tried again",
  refused: "Refused", stop: "Stopped", error: "A fault of the program",
};
const STATUS = { running: ["…", "running"], waiting: ["!", "waiting for you"], done: ["✓", "done"], failed: ["✕", "failed"], refused: ["–", "refused"], planned: ["·", "planned"], stopped: ["–", "stopped"], skipped: ["–", "skipped"] };

/** One call. `call(payload)`, `tell(text)`, `ask()`, `finish(result, args)`, `end()`. */
export function traceStep(number) {
  const sign = h("span", { class: "sign" });
  const what = h("span", { class: "tool" });
  const given = h("span", { class: "given fine" });
  const took = h("span", { class: "took fine" });
  const args = h("div");
  const live = h("ol", { class: "told", hidden: true });
  const outcome = h("div", { class: "outcome" });
  const details = h("details", {}, h("summary", {}, sign, what, given, took), h("div", { class: "inside" }, args, live, outcome));
  const element = h("li", { class: "step", data: { state: "planned" } }, details);
  const state = { status: "", started: 0, action: "" };
  let timer = null;

  function set(status) {
    state.status = status;
    element.dataset.state = status;
    put(sign, h("span", { aria: { hidden: "true" }, text: STATUS[status][0] }), h("span", { class: "unseen", text: `${STATUS[status][1]}: ` }));
    clearInterval(timer);
    if (status === "running" || status === "waiting") timer = setInterval(tick, 1000);
  }

  const tick = () => { if (!element.isConnected) clearInterval(timer); else took.textContent = seconds((Date.now() - state.started) / 1000); };

  function showArgs(values) {
    given.textContent = clip(argsLine(values), 160);
    put(args, h("dl", { class: "facts" }, Object.entries(values || {}).filter(([, value]) => value !== null).map(([name, value]) => [h("dt", { text: label(name) }), h("dd", {}, h("code", { text: valueText(value) }))])));
  }

  set("planned");
  return {
    element, state,
    plan(step) {
      state.action = step.action;
      what.textContent = actionLabel(step.action);
      showArgs(step.args);
      if (step.why) put(outcome, h("p", { class: "fine", text: step.why }));
    },
    call(payload, time) {
      state.action = payload.action;
      state.started = new Date(time).getTime();
      what.textContent = actionLabel(payload.action);
      showArgs(payload.args);
      put(outcome);
      set("running");
    },
    ask() { set("waiting"); },
    go() { if (state.status === "waiting") set("running"); },
    tell(text) {
      live.hidden = false;
      live.append(h("li", { text }));
      if (state.status === "running") took.textContent = clip(text, 60);
    },
    finish(result, changed) {
      if (changed) showArgs(changed);
      const fault = result.fault;
      set(!fault ? "done" : fault === "refused" ? "refused" : fault === "stop" ? "stopped" : "failed");
      took.textContent = seconds(result.seconds);
      put(outcome, outcomeOf(result));
    },
    skip(reason) { set("skipped"); took.textContent = "skipped"; put(outcome, h("p", { text: reason })); },
    end() { if (["running", "waiting", "planned"].includes(state.status)) { set("stopped"); took.textContent = ""; } },
  };
}

function outcomeOf(result) {
  const made = Object.entries(result.items.reduce((counts, item) => ({ ...counts, [item.kind]: (counts[item.kind] || 0) + 1 }), {}));
  return [
    result.fault ? h("p", { class: "fault" }, h("b", { text: `${FAULTS[result.fault] || result.fault}. ` }), result.summary) : h("p", { text: result.summary }),
    made.length ? h("p", { class: "fine" }, "Made: ", made.map(([kind, n]) => plural(n, kind)).join(", "), " ", result.items.slice(0, 12).map((item) => [h("span", { class: "handle", text: item.handle }), " "])) : null,
    notes("Not checked", result.not_checked), notes("Take care", result.warnings),
    h("button", { type: "button", class: "link fine", text: "Record of this call", on: { click: () => showCall(result.call_id) } }),
  ];
}

const notes = (title, lines) => (lines.length ? h("div", { class: "notes" }, h("b", { class: "fine", text: title }), h("ul", {}, lines.map((text) => h("li", { text })))) : null);
