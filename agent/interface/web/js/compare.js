// Two campaigns side by side, as the API compares them: what differs, what is not compared and why, funnels, measures,
// candidates. What may not be compared gets no difference and no common scale.

import { address, get } from "./api.js";
import { funnel, spread } from "./chart.js";
import { stateTag } from "./controls.js";
import { announce, h, icon, put } from "./dom.js";
import { drawing } from "./drawing.js";
import { ago, label, number, plural, seconds, unit, valueText } from "./format.js";
import { fromCandidate, numberList, showMolecule } from "./molecules.js";
import { traced } from "./provenance.js";
import { attempt } from "./toasts.js";

const SIDES = ["a", "b"];
const GOALS = { minimize: "lower is better", maximize: "higher is better" };
const TABLES = { table: "Ranked candidates, as finally scored", docked: "All that passed every stage, as scored in the rounds" };
const FIRST_FIGURES = 12;
const UNRANKED = 1e6;

/** A dialog with the other finished campaigns, each a link to its comparison with this run. */
export function chooseOther(runId) {
  const entries = h("div", { class: "entries" }, h("p", { class: "fine nothing pulse", text: "Looking for finished campaigns" }));
  const dialog = h("dialog", { class: "help", aria: { label: "Compare with" }, on: { close: () => dialog.remove() } },
    h("h2", { text: "Compare with" }), entries, h("form", { method: "dialog" }, h("button", { class: "button", text: "Close" })));
  document.body.append(dialog);
  dialog.showModal();
  attempt(async () => {
    const others = (await get("runs?kind=campaign&state=done&limit=500")).filter((line) => line.run_id !== runId);
    put(entries, others.length ? h("ul", {}, others.map((line) => h("li", {}, h("a", { href: `#/compare/${runId}/${line.run_id}`, on: { click: () => dialog.close() } },
      h("span", { class: "title", text: line.name }), h("span", { class: "note", text: `run ${line.run_id}, ${ago(line.updated)}` }))))) : h("p", { class: "fine nothing", text: "No other campaign has finished here yet." }));
    entries.querySelector("a")?.focus();
  });
}

/** { element, leave } of the comparison of the campaigns `a` and `b` (run ids). */
export function comparisonView(a, b, page) {
  const element = h("div", { class: "thread comparison" }, h("p", { class: "fine pulse", text: "Comparing the two runs" }));
  const query = `compare?${new URLSearchParams({ a, b })}`;
  let left = false;

  async function read() {
    try {
      return await Promise.all([get(query), get(`runs/${a}`), get(`runs/${b}`)]);
    } catch (error) {
      put(element, h("p", { class: "none missing", text: `These two cannot be compared: ${[error.message, error.remedy].filter(Boolean).join(" ")}` }));
      return null;
    }
  }

  async function fill() {
    const answers = await read();
    if (!answers || left) return;
    const [found, ...runs] = answers;
    const title = `${found.a.name} and ${found.b.name}`;
    page.titled(title);
    put(element,
      h("header", { class: "row" }, h("h2", { text: "Two campaigns compared" }), h("a", { class: "button small push", href: address(query), target: "_blank", rel: "noopener" }, icon("out"), "JSON")),
      runsTable(found), cautions(found), differences(found),
      section("Passed each stage, and why others did not", funnels(found)),
      found.scores.length ? section("Best of each measure", measures(found.scores)) : null,
      section("Candidates", candidates(found, runs, page)));
    announce(`Comparison of ${title}`);
  }

  fill();
  return { element, leave() { left = true; } };
}

const section = (title, ...content) => h("section", {}, h("h3", { text: title }), content);
const letter = (side) => h("span", { class: "handle", text: side.toUpperCase() });
const list = (lines) => h("ul", {}, lines.map((text) => h("li", { text })));

/** A table with a column a run; `rows`: [what, of A, of B]. */
function sides(found, rows) {
  return h("table", { class: "data sides" },
    h("thead", {}, h("tr", {}, h("td"), SIDES.map((side) => h("th", { scope: "col" }, letter(side), " ", found[side].name)))),
    h("tbody", {}, rows.map(([what, ...values]) => h("tr", {}, h("th", { scope: "row" }, what), values.map((value) => h("td", {}, value))))));
}

function runsTable(found) {
  const row = (what, of) => [what, ...SIDES.map((side) => of(found[side]))];
  return sides(found, [
    row("Run", (run) => [h("a", { href: `#/run/${run.run_id}`, text: run.run_id }), " ", stateTag(run.state)]),
    row("Target", (run) => run.target || "not recorded"),
    row("Docking on it", (run) => (run.docking === "trusted" ? `trusted: ${run.docking_summary}` : run.docking)),
    row("Seed", (run) => String(run.seed)),
    row("Wall time", (run) => seconds(run.seconds)),
    row("Candidates", (run) => `${run.generated} generated, ${run.docked} docked, ${run.passed} passed every stage, ${run.ranked} ranked`),
  ]);
}

/** What is not compared, by reason, and what else to know; a note that only repeats a reason is left out. */
function cautions(found) {
  const reasons = new Map();
  for (const one of found.scores.filter((score) => !score.comparable)) {
    if (!reasons.has(one.reason)) reasons.set(one.reason, { names: new Set(), of: new Set() });
    reasons.get(one.reason).names.add(label(one.score));
    reasons.get(one.reason).of.add(one.of);
  }
  const where = (of) => (of.size > 1 ? "" : of.has("table") ? " of the ranked" : " of the rounds");
  const refused = [...reasons].map(([reason, { names, of }]) => `${[...names].join(", ")}${where(of)}: ${reason}.`);
  const also = found.notes.filter((note) => ![...reasons.keys()].some((reason) => note.includes(reason)));
  if (!refused.length && !also.length) return null;
  return h("section", { class: "cautions", aria: { label: "Before the numbers are read" } },
    refused.length ? [h("h3", { text: "Not compared, and why" }), list(refused)] : null,
    also.length ? [h("h3", { text: refused.length ? "Also to know" : "To know before the numbers are read" }), list(also)] : null);
}

function differences(found) {
  const shown = (value) => (value === null ? h("span", { class: "none", text: "not set" }) : h("code", { text: valueText(value) || "none" }));
  const rows = [...found.settings.map((one) => [h("code", { text: one.key }), one]), ...found.versions.map((one) => [[h("code", { text: one.key }), " version"], one])];
  return section("What differs in settings and versions", rows.length ? sides(found, rows.map(([what, one]) => [what, shown(one.a), shown(one.b)])) : h("p", { text: "Nothing: the same settings, the same versions." }));
}

function funnels(found) {
  const most = Math.max(1, ...[...found.funnel_a, ...found.funnel_b].map((stage) => stage.in));
  return h("div", { class: "charts" }, SIDES.map((side) => h("div", {}, h("h4", {}, letter(side), " ", found[side].name), funnel(found[`funnel_${side}`], most))));
}

function measures(scores) {
  const groups = Object.entries(TABLES).map(([of, title]) => [title, scores.filter((one) => one.of === of)]).filter(([, group]) => group.length);
  const { k, confidence } = scores[0];
  const source = scores.map((one) => one.source).find(Boolean);
  return [
    h("table", { class: "data measures" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "Measure" }), SIDES.map((side) => h("th", { scope: "col" }, letter(side), ` best, mean of the best ${k}`)), h("th", { scope: "col", text: "Spread" }), h("th", { scope: "col", text: "A - B of the means" }))),
      groups.map(([title, group]) => {
        const reasons = new Set(group.filter((one) => one.comparable).map((one) => one.reason));
        const shared = reasons.size === 1 ? [...reasons][0] : "";
        return h("tbody", {}, h("tr", { class: "group" }, h("th", { colSpan: 5, scope: "rowgroup" }, title, shared ? h("span", { class: "fine", text: ` ${shared}` }) : null)), group.map((one) => measure(one, shared)));
      })),
    h("p", { class: "fine", text: `Means are of all where there are fewer than ${k}. Bars span the middle half of the values, with the median; dots are the best.${source ? ` Intervals at ${100 * confidence} %: ${source}.` : ""}` }),
  ];
}

/** `shared`: a reason that stands above the group already. */
function measure(one, shared) {
  return h("tr", {},
    h("th", { scope: "row" }, h("b", { text: label(one.score) }), h("p", { class: "fine", text: [unit(one.unit), GOALS[one.goal]].filter(Boolean).join(", ") })),
    SIDES.map((side) => h("td", { data: { side: side.toUpperCase() } }, sample(one[side]))),
    h("td", { class: "strip" }, one.comparable ? spread(one) : null),
    h("td", {}, verdict(one, shared)));
}

function sample({ n, best, best_call, best_mean }) {
  return n ? [traced(number(best), best_call), h("p", { class: "fine", text: `mean ${number(best_mean)}, n = ${n}` })] : h("span", { class: "none", text: "none" });
}

function verdict(one, shared) {
  if (!one.comparable) return [h("span", { class: "tag warn", text: "not compared" }), h("p", { class: "fine", text: one.reason })];
  const signed = (value) => (value > 0 ? `+${number(value)}` : number(value));
  const said = one.low === null ? null : h("span", { class: `tag ${one.decided ? "good" : ""}`, text: one.decided ? `${one.better.toUpperCase()} better` : "no difference shown" });
  return [h("span", { class: "row" }, signed(one.difference), said), h("p", { class: "fine", text: one.low !== null ? `interval ${signed(one.low)} to ${signed(one.high)}` : shared ? "" : one.reason })];
}

function candidates(found, runs, page) {
  const ranked = runs.map((run) => new Map(run.result.candidates.map((candidate) => [candidate.smiles, fromCandidate(candidate, { runId: run.run_id, receptor: run.result.target?.receptor })])));
  const over = found.overlap;
  const nearest = new Map(over.nearest.map(([smiles, other, likeness]) => [smiles, `likest of B: ${ranked[1].get(other)?.handle || other}, Tanimoto ${likeness.toFixed(2)}`]));
  const own = (at) => [...ranked[at].values()].filter((molecule) => !ranked[1 - at].has(molecule.smiles));
  const place = (one) => Math.min(...ranked.map((held) => held.get(one.text)?.rank || UNRANKED));
  const both = [...over.identical_docked].sort((x, y) => place(x) - place(y)).map((one) => ({ one, molecule: ranked[0].get(one.text) || ranked[1].get(one.text) || unranked(one, found.a.run_id) }));
  const unitOf = (name) => unit(found.scores.find((score) => score.score === name)?.unit || "");
  const alike = over.mean_nearest === null ? "" : ` ${plural(over.ranked_similar, "ranked candidate")} of A ${over.ranked_similar === 1 ? "has" : "have"} a similar one, not the same, ranked in B (Tanimoto of at least ${over.threshold}); to the likest it is on average ${over.mean_nearest.toFixed(2)}.`;
  return [
    h("p", { text: `${over.candidates[0]} in A and ${over.candidates[1]} in B; ${over.identical} in both, ${over.n_identical_docked} of them docked in both.${alike}` }),
    gallery("Docked in both, as scored in the rounds", both.map(({ one, molecule }) => figure(molecule, page, [
      h("p", { class: "fine", text: SIDES.map((side, at) => `${side.toUpperCase()} ${ranked[at].get(one.text)?.handle || one[side]}`).join(", ") }),
      Object.entries(one.scores).map(([name, values]) => h("p", { class: "fine", text: `${label(name)} ${pair(values)} ${unitOf(name)}` })),
    ]))),
    SIDES.flatMap((side, at) => gallery(`Ranked in ${side.toUpperCase()} alone`, own(at).map((molecule) => figure(molecule, page, [
      numberList(molecule.numbers, 2), at === 0 && nearest.has(molecule.smiles) ? h("p", { class: "fine", text: nearest.get(molecule.smiles) }) : null,
    ], molecule.handle)))),
  ];
}

function pair(values) {
  const [ofA, ofB] = values.map(number);
  return ofA === ofB ? ofA : `A ${ofA}, B ${ofB}`;
}

/** A molecule of both runs that neither ranked, as far as the comparison tells of it. */
const unranked = (one, runId) => ({ id: one.a, handle: "", name: one.a, smiles: one.text, numbers: {}, checks: [], pose: null, receptor: null, notes: {}, runId });

function figure(molecule, page, told, handle = "") {
  return h("li", {}, h("button", { type: "button", class: "plain picture", aria: { label: `Details of ${molecule.handle} ${molecule.name}` }, on: { click: () => showMolecule(molecule, page.moleculeOffers) } }, drawing(molecule.smiles, 150, 104, molecule.name)),
    handle ? h("span", { class: "handle", text: handle }) : null, told);
}

function gallery(title, figures) {
  if (!figures.length) return [];
  const shown = h("ul", { class: "gallery" }, figures.slice(0, FIRST_FIGURES));
  const more = figures.length > FIRST_FIGURES ? h("button", { type: "button", class: "link fine", text: `Show all ${figures.length}`, on: { click: () => { put(shown, figures); more.remove(); } } }) : null;
  return [h("h4", { text: title }), shown, more];
}
