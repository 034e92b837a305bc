// What a campaign's events come to: where each candidate stands, the funnel, the rounds, the budget. No elements here.
// The final document, once there is one, is the truth and replaces what was counted from the events.

export function campaignLog() {
  return {
    campaign: null, target: null, controls: null, doing: "", rounds: [], candidates: new Map(), stages: new Map(),
    docked: 0, started: null, last: null, state: "queued", message: "", result: null,
  };
}

const TAKE = {
  run_started(log, payload) {
    log.campaign = payload.campaign;
    log.target = payload.target;
  },
  step_started(log, payload) { log.doing = payload.step; },
  step_finished(log, payload) {
    if (payload.panel) log.controls = payload.panel;
    if (payload.step === "refine") log.doing = `round ${payload.round + 1}: ${(payload.mix || []).map(([name, n]) => `${n} by ${name}`).join(", ")}`;
  },
  candidate_added(log, payload) {
    log.candidates.set(payload.candidate_id, {
      candidate_id: payload.candidate_id, smiles: payload.text, round: payload.round, origin: payload.origin, parents: payload.parents,
      scores: {}, checks: [], pose: null, rank: 0, stage: "", verdict: "",
    });
    log.doing = `round ${payload.round}: checking`;
  },
  check_finished(log, payload) {
    const found = log.candidates.get(payload.candidate_id);
    if (!log.stages.has(payload.stage)) log.stages.set(payload.stage, { stage: payload.stage, in: 0, passed: 0, failed: 0, unknown: 0, reasons: {}, seen: new Set() });
    const stage = log.stages.get(payload.stage);
    if (stage.seen.has(payload.candidate_id)) return; // a finalist is docked again with more care: counted once
    stage.seen.add(payload.candidate_id);
    stage.in += 1;
    stage[{ pass: "passed", fail: "failed", unknown: "unknown" }[payload.verdict]] += 1;
    if (payload.verdict !== "pass") {
      const reason = payload.reason || "no reason given";
      stage.reasons[reason] = (stage.reasons[reason] || 0) + 1;
    }
    if (payload.stage === "docking") log.docked += 1;
    if (found) log.candidates.set(payload.candidate_id, withStage(found, payload));
  },
  round_finished(log, payload) {
    log.rounds = [...log.rounds.filter((round) => round.round !== payload.round), payload].sort((a, b) => a.round - b.round);
    log.doing = `round ${payload.round} finished`;
  },
  run_finished(log, payload) {
    log.state = payload.state;
    log.message = payload.message;
    log.doing = "";
  },
};

/** A new object, so that who compares by identity sees the change. */
function withStage(candidate, payload) {
  const scores = { ...candidate.scores };
  for (const [name, value] of Object.entries(payload.values || {})) {
    if (typeof value === "number" && SHOWN[name]) scores[SHOWN[name][0]] = { value, unit: SHOWN[name][1], call_id: "", goal: SHOWN[name][2] };
  }
  const check = { name: payload.stage, verdict: payload.verdict, reason: payload.reason, call_id: (payload.calls || []).at(-1) || "" };
  return { ...candidate, scores, stage: payload.stage, verdict: payload.verdict, checks: [...candidate.checks.filter((c) => c.name !== payload.stage), check] };
}

const SHOWN = {
  dock: ["vina", "kcal/mol", "minimize"], qed: ["qed", "", "maximize"], sa_score: ["sa", "", "minimize"], sa: ["sa", "", "minimize"],
  strain: ["strain", "kcal/mol", "minimize"], interaction: ["interaction", "kcal/mol", "minimize"], heavy_atoms: ["heavy_atoms", "", "minimize"],
};

export function take(log, event) {
  const run = TAKE[event.type];
  if (run) run(log, event.payload);
  if (log.state === "queued" && event.type !== "run_finished") log.state = "running";
  log.started ||= event.time;
  log.last = event.time;
}

export function takeResult(log, result) {
  log.result = result;
  log.controls = result.controls || log.controls;
  log.target = result.target || log.target;
  if (result.rounds.length) log.rounds = result.rounds;
}

/** Candidates in the order they are of interest: the final ranking; before it those that no check has failed, best
 *  docked first. What was lost stands in the funnel. */
export function ranked(log) {
  if (log.result) return log.result.candidates;
  const reached = [...log.stages.keys()];
  const place = (candidate) => reached.indexOf(candidate.stage) + (candidate.verdict === "fail" ? -0.5 : 0);
  const vina = (candidate) => (candidate.scores.vina ? candidate.scores.vina.value : 99);
  return [...log.candidates.values()].filter((candidate) => candidate.stage && candidate.verdict !== "fail").sort((a, b) => (place(b) >= 2) - (place(a) >= 2) || vina(a) - vina(b) || place(b) - place(a));
}

export function funnelStages(log) {
  return log.result && log.result.funnel.length ? log.result.funnel : [...log.stages.values()];
}

/** The scores a campaign is after, with goal and unit: [{name, goal, points, unitName, reference}]. */
export function curves(log) {
  const goals = ((log.campaign || (log.result ? log.result.settings : null) || {}).objective) || [];
  const wanted = goals.length ? goals : [{ score: "vina", goal: "minimize" }, { score: "qed", goal: "maximize" }];
  return wanted.map(({ score, goal }) => ({
    name: score, goal, unitName: UNIT[score] || "",
    points: log.rounds.filter((round) => score in round.best).map((round) => ({ round: round.round, value: round.best[score] })),
    reference: log.result && log.result.reference && log.result.reference.scores[score] ? log.result.reference.scores[score].value : null,
  })).filter((curve) => curve.points.length);
}

const UNIT = { vina: "kcal/mol", strain: "kcal/mol", interaction: "kcal/mol", ligand_efficiency: "kcal/mol per heavy atom" };
