// What can be done with things that are shown: each offer writes a request into the composer, to be read and sent by the
// person, or starts one action at once where its arguments leave nothing to choose.

import { post } from "./api.js";
import { toast } from "./toasts.js";

/** Offers for molecules of a conversation or of a campaign. `page`: { compose(text), threadId(), openThread(id) }. */
export function moleculeOffers(page) {
  const compose = (write) => (molecules) => page.compose(write(namesOf(molecules)));
  return [
    { label: "Dock", hint: "Write a request to dock these", run: compose((names) => `Dock ${names} into `) },
    { label: "Explain", hint: "Why this one stands where it does", most: 1, fits: (molecule) => Boolean(originOf(molecule)), run: (molecules) => explain(molecules[0], page) },
    { label: "Plan synthesis", hint: "Write a request for synthesis routes", most: 1, run: compose((names) => `Plan a synthesis of ${names}`) },
    { label: "More soluble", hint: "Write a request for more soluble analogues", most: 1, run: compose((names) => `Make ${names} more soluble`) },
    { label: "Literature", hint: "Write a request to search the literature", most: 1, run: compose((names) => `Search the literature on ${names}`) },
  ];
}

/** Handles where a conversation has them, else the structures themselves. */
function namesOf(molecules) {
  const names = molecules.map((molecule) => (/^[A-Z]\d+$/.test(molecule.handle || "") ? molecule.handle : molecule.smiles));
  return names.length < 2 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The candidate of a campaign that a molecule is, as the action takes it; null for any other molecule. */
function originOf(molecule) {
  if (molecule.runId) return { candidate: molecule.id, run_id: molecule.runId };
  const { candidate_id: candidate, run_id } = molecule.notes;
  return candidate && run_id ? { candidate, run_id } : null;
}

async function explain(molecule, page) {
  const args = originOf(molecule);
  const started = await page.attempt(() => post("runs", { kind: "action", action: "explain_candidate", args, ...(page.threadId() ? { thread_id: page.threadId() } : {}) }));
  if (!started) return;
  toast("Explaining", molecule.handle || molecule.name, { seconds: 2 });
  page.started(started);
}

/** Offers for an item of another kind. */
export function itemOffers(page) {
  const offer = (label, text) => ({ label, hint: "Writes a request", run: ([item]) => page.compose(text.replace("{}", item.handle)) });
  const byKind = {
    pocket: [offer("Design ligands", "Design ligands for pocket {}")],
    receptor: [offer("Design ligands", "Design ligands for {}")],
    protein: [offer("Find pockets", "Find the pockets of {}"), offer("Improve", "Suggest mutations of {} that make it more stable")],
    reaction: [offer("Predict products", "Predict the products of {}")],
    antibody: [offer("Redesign H3", "Design new H3 loops for {}")],
  };
  const file = (item) => {
    const type = `${(item.details || {}).type || ""} ${item.name}`.toLowerCase();
    if (/pdb|cif|structure/.test(type)) return [offer("Find pockets", "Find the pockets of {}")];
    return [offer("Ask about it", "What does {} say about ")];
  };
  return (item) => (!item.handle ? [] : item.kind === "file" ? file(item) : byKind[item.kind] || []);
}
