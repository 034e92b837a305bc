// One turn of a conversation (or one action, or a workflow), built from its event log alone: what was asked, the plan,
// the steps, what they made, the campaigns they started, the answer with its citations.

import { approvalCard } from "./approval.js";
import { campaignPanel } from "./campaign.js";
import { citationMark, sourceList } from "./citations.js";
import { ENDED, isBusy, runControls, stateTag } from "./controls.js";
import { announce, h, icon, put, throttled } from "./dom.js";
import { actionLabel, argsLine, clock, plural, seconds } from "./format.js";
import { prose } from "./prose.js";
import { resultBlock, showItem } from "./results.js";
import { traceStep } from "./trace.js";
import { watchRun } from "./watch.js";

const SIBLING = 6; // a run that a step started has the first letters of its parent's id

/** { element, runId, leave, state(), noted(what) }: the last is told what was asked of the run elsewhere. `page` is what main.js offers; `thread` what the conversation holds. */
export function turnView(line, thread, page) {
  const runId = line.run_id;
  const steps = new Map();
  const planned = [];
  const children = new Map();
  const approvals = new Map();
  const pieces = new Map();
  let citations = [];
  let state = ENDED.has(line.state) ? "reading" : line.state;
  let asked = "";
  let touched = false;
  let finished = false;
  let lastSeq = 0;
  let nEvents = Infinity;

  const question = h("div", { class: "said" });
  const tag = h("span");
  const count = h("span", { class: "fine" });
  const list = h("ol", { class: "trace" });
  const work = h("details", { class: "work", open: isBusy(state), hidden: true }, h("summary", { on: { click: () => { touched = true; } } }, h("span", { class: "what", text: "Steps" }), count, tag), list);
  const waiting = h("p", { class: "fine waiting", text: "Thinking" });
  const made = h("div", { class: "made" });
  const answer = h("div", { class: "answer prose" });
  const sources = h("div");
  const files = h("p", { class: "row files" });
  const foot = h("footer", { class: "row fine" });
  const noted = (what) => { asked = what; draw(); watched.look(); };
  const controls = runControls(runId, noted);
  const element = h("article", { class: "turn", data: { run: runId, kind: line.kind, state }, aria: { label: `Turn: ${line.name}` } }, question, work, waiting, made, answer, sources, files, foot);

  const cite = (number) => {
    const found = citations.find((citation) => citation.number === number);
    return found ? citationMark(found, page.openRun) : null;
  };
  const name = (handle) => {
    const item = thread.items.get(handle);
    return item && h("button", { type: "button", class: "handle", title: item.name || item.kind, text: handle, on: { click: () => showItem(item, thread, page) } });
  };
  const shown = () => (ENDED.has(state) ? state : asked === "stop" ? "stopping" : asked === "pause" && state === "running" ? "pausing" : state);

  function draw() {
    element.dataset.state = state;
    put(tag, stateTag(shown()));
    controls.show(shown());
    const all = [...steps.values()];
    const done = all.filter((step) => ["done", "failed", "refused", "stopped"].includes(step.state.status)).length;
    const failed = all.filter((step) => step.state.status === "failed").length;
    count.textContent = [all.length ? (done < all.length ? `${done} of ${all.length} done` : plural(all.length, "step")) : "", failed ? `${failed} failed` : ""].filter(Boolean).join(", ");
    work.hidden = !all.length && !list.children.length;
    waiting.hidden = !isBusy(state) || all.some((step) => ["running", "waiting"].includes(step.state.status)) || pieces.size > 0;
    waiting.textContent = state === "queued" ? "Waiting for a free place" : state === "paused" ? "Paused" : all.length ? "Working" : "Reading the request";
    const tail = [h("span", { title: clock(line.created), text: `run ${runId}` })];
    if (ENDED.has(state) && line.seconds) tail.push(h("span", { text: seconds(line.seconds) }));
    put(foot, tail, controls.element);
  }

  function ask(text, attachments) {
    put(question, line.kind === "chat" ? h("p", { class: "words", text }) : h("p", { class: "words action" }, h("span", { class: "tag", text: line.kind }), " ", text),
      attachments.length ? h("p", { class: "row" }, attachments.map((handle) => h("span", { class: "row attached" }, h("span", { class: "handle", text: handle }), h("span", { class: "fine", text: (thread.items.get(handle) || {}).name || "" })))) : null);
  }

  function stepOf(callId, action) {
    if (steps.has(callId)) return steps.get(callId);
    const at = planned.findIndex((step) => step.state.action === action);
    const step = at >= 0 ? planned.splice(at, 1)[0] : traceStep();
    steps.delete(step.key);
    step.key = callId;
    steps.set(callId, step);
    if (!step.element.isConnected) list.insertBefore(step.element, planned.length ? planned[0].element : null);
    return step;
  }

  function child(childId, callId) {
    if (children.has(childId) || childId === runId) return;
    const panel = campaignPanel(childId, { actions: page.moleculeOffers, onState: page.changed });
    children.set(childId, panel);
    thread.claim(childId);
    made.append(panel.element);
    if (callId && steps.has(callId)) steps.get(callId).child = childId;
  }

  /** Markdown as it streams in; the final message replaces the last piece. */
  const drawPieces = throttled(() => {
    const texts = [...pieces.values()];
    put(answer, texts.flatMap((text) => prose(text, cite, name)), !ENDED.has(state) && texts.length ? h("span", { class: "caret pulse", aria: { hidden: "true" } }) : null);
  }, 80);

  const take = {
    message(payload) {
      if (payload.role === "user") { ask(payload.text, attachments); return; }
      citations = payload.citations || [];
      pieces.clear();
      pieces.set("said", payload.text);
      drawPieces();
      put(sources, citations.length ? h("details", { class: "source-list", open: citations.length < 5 }, h("summary", { text: plural(citations.length, "source") }), sourceList(citations, page.openRun)) : null);
      if (!replaying()) announce("The answer is complete");
    },
    message_delta(payload) {
      const part = payload.part ?? "said";
      pieces.set(part, (pieces.get(part) || "") + payload.text);
      drawPieces();
    },
    plan(payload) {
      for (const [index, planned_] of (payload.steps || []).entries()) {
        const step = traceStep();
        step.plan(planned_);
        step.key = `plan ${index}`;
        step.stage = planned_.stage;
        planned.push(step);
        steps.set(step.key, step);
        list.append(step.element);
      }
    },
    tool_call(payload, time) {
      const step = stepOf(payload.call_id, payload.action);
      step.call(payload, time);
      if (!replaying()) announce(`Step: ${actionLabel(payload.action)}`);
    },
    step_started(payload) {
      if (payload.run_id) child(payload.run_id, payload.call_id);
      closeApproval(payload.call_id, "Accepted");
      if (payload.call_id && steps.has(payload.call_id)) {
        steps.get(payload.call_id).go();
        steps.get(payload.call_id).tell(payload.step);
      } else if (!payload.call_id) list.append(h("li", { class: "remark fine", text: payload.step }));
    },
    step_finished(payload) {
      if (!["skipped", "stopped"].includes(payload.state)) return;
      const at = planned.findIndex((step) => payload.step === `stage ${step.stage}`);
      if (at >= 0) planned.splice(at, 1)[0].skip(payload.reason);
    },
    approval_requested(payload) {
      if (steps.has(payload.key)) steps.get(payload.key).ask();
      approvals.set(payload.key, { payload, card: null });
      if (!replaying() || state === "waiting_approval") showApproval(payload.key);
    },
    tool_result(payload) {
      const { result } = payload;
      closeApproval(payload.call_id, result.fault === "refused" ? "Refused: nothing was run" : "Accepted");
      const step = stepOf(payload.call_id, result.action);
      step.finish(result, payload.args);
      for (const item of result.items) thread.items.set(item.handle, item);
      for (const id of result.runs || []) if (id.slice(0, SIBLING) === runId.slice(0, SIBLING)) child(id, payload.call_id); // others are only named
      if (result.items.some((item) => item.kind === "molecule")) for (const id of result.runs || []) children.get(id)?.fold();
      const block = resultBlock(result, thread, page, children);
      if (block) made.append(block);
      if (line.kind === "action" && !pieces.size) { citations = result.citations; pieces.set("said", result.summary); drawPieces(); put(sources, citations.length ? sourceList(citations, page.openRun) : null); }
      if (!replaying()) announce(`${actionLabel(result.action)}: ${result.fault ? result.summary : "done"}`);
    },
    run_finished(payload) {
      finished = true;
      for (const step of steps.values()) step.end();
      for (const key of approvals.keys()) closeApproval(key, "The run ended before an answer");
      if (payload.state === "failed" || (payload.message && payload.state !== "done")) made.append(h("p", { class: `ending ${payload.state}` }, h("b", { text: payload.state === "failed" ? "This run failed. " : "Stopped. " }), payload.message || "What was finished is kept; Resume goes on where it stood."));
      if (!touched) work.open = [...steps.values()].some((step) => step.state.status === "failed");
    },
  };

  const replaying = () => lastSeq < nEvents && nEvents !== Infinity;
  let attachments = [];

  /** Shown while the run waits for the answer; of a log read later, only where it still waits. */
  function showApproval(key) {
    const held = approvals.get(key);
    if (held.card) return;
    const { payload } = held;
    held.card = approvalCard(runId, payload, page.actionSchema(payload.action), () => {
      approvals.delete(key);
      if (steps.has(key)) steps.get(key).go();
      watched.look();
    });
    made.append(held.card.element);
    page.nudge(held.card.element);
  }

  function closeApproval(key, word) {
    const held = approvals.get(key);
    if (!held) return;
    approvals.delete(key);
    if (held.card) held.card.close(word);
  }

  ask(line.name, []);
  draw();
  const watched = watchRun(runId, {
    onRun(run) {
      nEvents = run.n_events;
      const document = run.document || {};
      attachments = document.attachments || [];
      put(files, Object.entries(run.files || {}).map(([name, where]) => h("a", { class: "button small", href: where, target: "_blank", rel: "noopener" }, icon("out"), name)));
      line.seconds = (new Date(run.updated) - new Date(run.created)) / 1000;
      if (run.kind === "chat") ask(document.message || run.name, attachments);
      else if (run.kind === "action") ask(`${actionLabel(document.action || run.name)} ${argsLine(document.args)}`, []);
      else ask(document.name || run.name, []);
    },
    onEvent(event) {
      lastSeq = event.seq;
      if (take[event.type]) take[event.type](event.payload, event.time);
      if (finished && event.type !== "run_finished") { finished = false; work.open = true; }
      draw();
      if (lastSeq >= nEvents) thread.caughtUp(runId);
      if (!replaying()) page.grown(element);
    },
    onState(next) {
      if (next === "waiting_approval") for (const key of approvals.keys()) showApproval(key);
      else if (state === "waiting_approval") for (const key of [...approvals.keys()]) closeApproval(key, "Answered");
      state = next;
      if (ENDED.has(next) || next === "paused") asked = "";
      if (ENDED.has(next)) drawPieces();
      draw();
      page.changed();
    },
  });

  return { element, runId, noted, state: () => state, leave() { watched.leave(); for (const panel of children.values()) panel.leave(); } };
}
