// A molecule as the page knows it, whether it came as an item of a conversation or as a candidate of a campaign:
// { id, handle, name, smiles, numbers: {name: {value, unit, call_id, goal}}, checks, pose, receptor, notes }.

import { drawing } from "./drawing.js";
import { h, icon } from "./dom.js";
import { byWeight, label, number, quantity, unit } from "./format.js";
import { checkList, checkMarks, tally } from "./checks.js";
import { inspect } from "./inspector.js";
import { poseView } from "./pose.js";
import { facts, traced } from "./provenance.js";
import { toast } from "./toasts.js";

export function fromItem(item, thread) {
  return {
    id: item.handle || item.value, handle: item.handle, name: item.name, smiles: item.value, numbers: item.numbers || {},
    checks: item.checks || [], pose: (item.links || {}).pose || null, receptor: receptorOf(item, thread),
    notes: { ...(item.made_from && item.made_from.length ? { made_from: item.made_from } : {}), ...(item.details || {}) }, item,
  };
}

/** The receptor a pose belongs to: named among the item's links, or one of the things it was made from. */
function receptorOf(item, thread) {
  const links = item.links || {};
  if (links.receptor) return links.receptor;
  for (const handle of item.made_from || []) {
    const parent = thread && thread.items.get(handle);
    if (!parent) continue;
    if (parent.kind === "receptor") return parent.value;
    if (parent.links && (parent.links.receptor || parent.links.structure)) return parent.links.receptor || parent.links.structure;
  }
  return null;
}

export function fromCandidate(candidate, { runId, receptor }) {
  const notes = { round: candidate.round, origin: candidate.origin };
  if (candidate.parents && candidate.parents.length) notes.parents = candidate.parents;
  if (candidate.seen_before) notes.seen_before = candidate.seen_before;
  return {
    id: candidate.candidate_id, handle: candidate.rank ? `#${candidate.rank}` : "", name: candidate.candidate_id, smiles: candidate.smiles,
    numbers: candidate.scores, checks: candidate.checks || [], pose: candidate.pose || null, receptor, notes, runId, rank: candidate.rank,
  };
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`, "", { seconds: 2 });
  } catch {
    toast(`${what} could not be copied`, "The browser allows it on https and on this machine only: select the text and copy it.", { kind: "error" });
  }
}

export function smilesLine(smiles) {
  return h("div", { class: "smiles" }, h("code", { text: smiles, title: smiles }),
    h("button", { type: "button", class: "icon tiny", title: "Copy SMILES", aria: { label: "Copy SMILES" }, on: { click: (event) => { event.stopPropagation(); copy(smiles, "SMILES"); } } }, icon("copy")));
}

export function numberList(numbers, most = Infinity) {
  const entries = byWeight(Object.keys(numbers)).map((name) => [name, numbers[name]]);
  return h("dl", { class: "numbers" }, entries.slice(0, most).map(([name, q]) => h("div", {},
    h("dt", { text: label(name) }), h("dd", { class: typeof q.value === "number" ? "" : "none" }, traced(quantity(q.value, q.unit), q.call_id)))));
}

/** A molecule alone or one of few: drawing, name, numbers, checks with their reasons. */
export function moleculeCard(molecule, actions) {
  const nChecks = molecule.checks.length;
  return h("article", { class: "molecule", data: { id: molecule.id } },
    h("button", { type: "button", class: "plain picture", aria: { label: `Details of ${molecule.handle || molecule.name || molecule.smiles}` }, on: { click: () => showMolecule(molecule, actions) } }, drawing(molecule.smiles, 210, 150, molecule.name)),
    h("div", { class: "identity" },
      h("header", { class: "row" }, molecule.handle ? h("span", { class: "handle", text: molecule.handle }) : null, molecule.name ? h("b", { text: molecule.name }) : null),
      smilesLine(molecule.smiles),
      numberList(molecule.numbers, 9),
      nChecks ? h("details", { class: "reasons" }, h("summary", {}, checkMarks(molecule.checks), h("span", { class: "fine", text: tally(molecule.checks) })), checkList(molecule.checks)) : null,
      h("div", { class: "row buttons" },
        h("button", { type: "button", class: "button small", text: molecule.pose ? "3D pose and details" : "Details", on: { click: () => showMolecule(molecule, actions) } }),
        offered(actions, [molecule]).map((action) => actionButton(action, [molecule])))));
}

/** The actions that can be taken on these: as many at once as they allow, and of the kind they need. */
export function offered(actions, molecules) {
  return actions.filter((action) => molecules.length <= (action.most || Infinity) && (!action.fits || molecules.every(action.fits)));
}

export function actionButton(action, molecules) {
  return h("button", { type: "button", class: "button small", text: action.label, title: action.hint, on: { click: (event) => { event.stopPropagation(); action.run(molecules); } } });
}

/** Everything about one molecule, with its pose in the pocket where there is one. */
export function showMolecule(molecule, actions) {
  const view = molecule.pose ? poseView(molecule) : null;
  const title = [molecule.handle, molecule.name].filter(Boolean).join(" ") || "Molecule";
  const notes = Object.keys(molecule.notes).length ? facts(molecule.notes) : null;
  inspect(title, h("div", { class: "full" },
    h("figure", { class: "sheet" }, drawing(molecule.smiles, 320, 190, molecule.name)),
    smilesLine(molecule.smiles),
    h("div", { class: "row buttons" }, offered(actions, [molecule]).map((action) => actionButton(action, [molecule]))),
    view ? [h("h3", { text: "Docked pose" }), view.element] : null,
    Object.keys(molecule.numbers).length ? [h("h3", { text: "Numbers" }), numberTable(molecule.numbers)] : null,
    molecule.checks.length ? [h("h3", { text: `Checks: ${tally(molecule.checks)}` }), checkList(molecule.checks)] : null,
    notes ? [h("h3", { text: "Where it comes from" }), notes] : null), { onClose: view ? view.leave : null, wide: Boolean(view) });
}

function numberTable(numbers) {
  return h("table", { class: "data pairs" }, h("tbody", {}, Object.entries(numbers).map(([name, q]) => h("tr", {},
    h("th", { scope: "row", text: label(name) }), h("td", { class: "num" }, traced(number(q.value), q.call_id)), h("td", { class: "fine", text: typeof q.value === "number" ? unit(q.unit) : "" })))));
}
