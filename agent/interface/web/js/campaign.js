// A campaign, live or finished: how it stands, what it spent, best so far, the funnel, the table. Fed by its events.

import { address, download } from "./api.js";
import { campaignLog, curves, funnelStages, ranked, take, takeResult } from "./campaign_log.js";
import { curve, funnel, meter } from "./chart.js";
import { chooseOther } from "./compare.js";
import { ENDED, runControls, stateTag } from "./controls.js";
import { announce, h, icon, put, throttled } from "./dom.js";
import { label, plural, seconds } from "./format.js";
import { fromCandidate } from "./molecules.js";
import { moleculeTable } from "./table.js";
import { attempt } from "./toasts.js";
import { watchRun } from "./watch.js";

const REDRAW_MS = 400;
const LIVE_ROWS = 6;

/** { element, leave }. `actions` are offered on chosen candidates. `onState(state)` follows the run. */
export function campaignPanel(runId, { actions, onState = () => {}, title = "" }) {
  const log = campaignLog();
  const rows = new Map();
  const name = h("h3", { text: title || "Campaign" });
  const tag = h("span");
  const doing = h("p", { class: "fine doing" });
  const budget = h("div", { class: "budgets" });
  const trust = h("div");
  const charts = h("div", { class: "charts" });
  const files = h("span", { class: "row" });
  const noted = (what) => { asked = what; redraw(); watched.look(); };
  const controls = runControls(runId, noted);
  let asked = "";
  let leave = () => {};
  const table = moleculeTable({
    caption: "Candidates", actions, first: () => (log.result ? 20 : LIVE_ROWS),
  });
  const whole = h("summary", { class: "fine" });
  const folded = h("details", { class: "all-candidates", open: true, hidden: true }, whole, table.element);
  const element = h("section", { class: "campaign", data: { run: runId }, aria: { label: "Campaign" } },
    h("header", { class: "row" }, name, tag, h("span", { class: "push row" }, files, controls.element)),
    doing, budget, trust, charts, folded);

  const shownState = () => (ENDED.has(log.state) ? log.state : asked === "stop" ? "stopping" : asked === "pause" && log.state === "running" ? "pausing" : log.state);

  function draw() {
    const campaign = log.campaign || {};
    const target = log.target ? log.target.name : "";
    if (campaign.name) name.textContent = campaign.name.includes(target) ? campaign.name : `${campaign.name} on ${target}`;
    put(tag, stateTag(shownState()));
    controls.show(shownState());
    doing.textContent = log.message || (ENDED.has(log.state) ? "" : log.doing);
    doing.hidden = !doing.textContent;
    drawBudget();
    drawTrust();
    drawCharts();
    const molecules = ranked(log).map(rowOf);
    folded.hidden = !molecules.length;
    whole.textContent = `${plural(molecules.length, "candidate")}${log.result ? " in the final ranking" : " still in the running, best first"}`;
    if (molecules.length) table.show(molecules);
    drawFiles();
  }

  /** The same object for the same candidate, so that its row is left alone. */
  function rowOf(candidate) {
    const held = rows.get(candidate.candidate_id);
    if (held && held.from === candidate) return held.row;
    const row = fromCandidate(candidate, { runId, receptor: log.target ? log.target.receptor : null });
    rows.set(candidate.candidate_id, { from: candidate, row });
    return row;
  }

  function drawBudget() {
    const limits = (log.campaign || {}).budget || {};
    const spent = log.result ? log.result.seconds : log.started ? (new Date(log.last) - new Date(log.started)) / 1000 : 0;
    const made = log.rounds.length ? log.rounds.reduce((sum, round) => sum + round.generated, 0) : log.candidates.size;
    const nRounds = (log.campaign || {}).rounds;
    const docked = log.rounds.length && log.result ? log.rounds.reduce((sum, round) => sum + round.docked, 0) : log.docked;
    put(budget,
      meter("Rounds", log.rounds.length, nRounds, nRounds ? `${log.rounds.length} of ${nRounds}` : String(log.rounds.length)),
      meter("Docked", docked, limits.docking_calls, limits.docking_calls ? `${docked} of ${limits.docking_calls}` : String(docked)),
      meter("Time", spent, limits.minutes ? limits.minutes * 60 : 0, limits.minutes ? `${seconds(spent) || "0 s"} of ${limits.minutes} min` : seconds(spent) || "–"),
      meter("Made", 0, 0, plural(Math.max(made, log.candidates.size), "candidate")));
  }

  function drawTrust() {
    const panel = log.controls;
    const tone = panel ? { trusted: "good", weak: "warn", untested: "" }[panel.trust] : "";
    if (!panel || trust.dataset.drawn === panel.summary) return;
    trust.dataset.drawn = panel.summary;
    put(trust, h("details", { class: `trust ${panel.trust}` },
      h("summary", {}, h("span", { class: `tag ${tone}`, text: panel.trust }), h("span", { text: ` Docking on this target: ${panel.summary}` })),
      h("ul", {}, (panel.controls || []).map((control) => h("li", {}, h("span", { class: `tag ${control.verdict === "pass" ? "good" : control.verdict === "fail" ? "bad" : ""}`, text: control.verdict }), ` ${label(control.name)}: ${control.summary}`)))));
  }

  function drawCharts() {
    const open = new Set([...charts.querySelectorAll(".funnel > li > details[open] .what")].map((what) => what.textContent));
    const drawn = curves(log);
    const stages = funnelStages(log);
    put(charts,
      stages.length ? h("div", {}, h("h4", { text: "Passed each stage, and why others did not" }), funnel(stages)) : null,
      drawn.length ? h("div", {}, h("h4", { text: "Best so far, by round" }), h("div", { class: "curves" }, drawn.map(curve))) : null);
    for (const what of charts.querySelectorAll(".funnel > li > details .what")) if (open.has(what.textContent)) what.closest("details").open = true;
  }

  function drawFiles() {
    if (!log.result || files.dataset.drawn) return;
    files.dataset.drawn = "1";
    const save = (format) => h("button", { type: "button", class: "button small", title: `All candidates as ${format.toUpperCase()}`, on: { click: (event) => attempt(() => download(`runs/${runId}/candidates?format=${format}`, `${runId}.${format}`), event.currentTarget) } }, icon("down"), format.toUpperCase());
    const report = log.result.report ? h("a", { class: "button small", href: address(`runs/${runId}/report`), target: "_blank", rel: "noopener" }, icon("out"), "Report") : null;
    const compare = h("button", { type: "button", class: "button small", text: "Compare with …", on: { click: () => chooseOther(runId) } });
    put(files, compare, save("csv"), save("sdf"), report);
  }

  const redraw = throttled(draw, REDRAW_MS);

  const watched = watchRun(runId, {
    skipLog: true,
    onRun(run) {
      log.campaign ||= run.document;
      log.state = run.state;
      log.message = run.message;
      if (run.result && run.result.candidates && ENDED.has(run.state)) takeResult(log, run.result);
      draw();
    },
    onEvent(event) {
      take(log, event);
      if (event.type === "round_finished") announce(`Round ${event.payload.round} finished: ${event.payload.docked} docked`);
      if (event.type === "run_finished") announce(`Campaign ${event.payload.state}`);
      redraw();
    },
    onState(state) {
      log.state = state;
      if (ENDED.has(state) || state === "paused") asked = "";
      onState(state);
      redraw();
    },
  });

  /** `fold`: closes the table, where its best stand below in the conversation. */
  return { element, noted, leave: watched.leave, fold() { folded.open = false; } };
}
