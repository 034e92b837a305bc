// What one step made, laid out by kind: molecules as cards where they are few and as a table where they are many.

import { h, icon } from "./dom.js";
import { actionLabel } from "./format.js";
import { inspect } from "./inspector.js";
import { itemCard } from "./items.js";
import { fromItem, moleculeCard, showMolecule } from "./molecules.js";
import { saveCsv, saveSdf, saveSmiles } from "./saving.js";
import { moleculeTable } from "./table.js";
import { attempt, toast } from "./toasts.js";

const MOST_CARDS = 3;
const MOST_ITEMS = 6;

/** The block, or null where a step made nothing to show. Runs in `panels` show themselves. */
export function resultBlock(result, thread, page, panels) {
  const molecules = result.items.filter((item) => item.kind === "molecule").map((item) => fromItem(item, thread));
  const others = result.items.filter((item) => item.kind !== "molecule" && !panels.has(item.value));
  if (!molecules.length && !others.length) return null;
  const context = { openRun: page.openRun, actionsFor: page.itemOffers };
  const first = others.slice(0, MOST_ITEMS).map((item) => itemCard(item, context));
  const rest = others.slice(MOST_ITEMS);
  return h("section", { class: "result", data: { call: result.call_id }, aria: { label: `Result of ${actionLabel(result.action)}` } },
    h("h3", {}, actionLabel(result.action)),
    molecules.length > MOST_CARDS ? asTable(molecules, result, page) : molecules.length ? h("div", { class: "cards" }, molecules.map((molecule) => moleculeCard(molecule, page.moleculeOffers)), molecules.length > 1 ? saves(molecules, result) : null) : null,
    first.length ? h("div", { class: "items" }, first) : null,
    rest.length ? h("details", { class: "more" }, h("summary", { text: `${rest.length} more` }), h("div", { class: "items" }, rest.map((item) => itemCard(item, context)))) : null,
    result.not_checked.length ? h("details", { class: "not-checked" }, h("summary", { text: `Not checked: ${result.not_checked.length === 1 ? result.not_checked[0] : `${result.not_checked.length} things`}` }), result.not_checked.length > 1 ? h("ul", {}, result.not_checked.map((text) => h("li", { text }))) : null) : null);
}

/** Anything that has a handle, in the side panel. */
export function showItem(item, thread, page) {
  if (item.kind === "molecule") showMolecule(fromItem(item, thread), page.moleculeOffers);
  else inspect([item.handle, item.name].filter(Boolean).join(" "), itemCard(item, { openRun: page.openRun, actionsFor: page.itemOffers }));
}

const nameOf = (result) => `${result.action}-${result.call_id}`;

async function sdf(molecules, result) {
  const without = await saveSdf(molecules, nameOf(result));
  if (without === molecules.length) toast("Nothing to save as SDF", "None of these has a docked pose; the CSV has all of them.");
  else if (without) toast("Saved", `${without} without a pose left out; the CSV has all of them.`);
}

function asTable(molecules, result, page) {
  const table = moleculeTable({
    caption: actionLabel(result.action), actions: page.moleculeOffers,
    saves: [
      { label: "CSV", run: (rows) => saveCsv(rows, nameOf(result)) },
      molecules.some((molecule) => molecule.pose) ? { label: "SDF", run: (rows, button) => attempt(() => sdf(rows, result), button) } : { label: "SMILES", run: (rows) => saveSmiles(rows, nameOf(result)) },
    ],
  });
  table.show(molecules);
  return table.element;
}

function saves(molecules, result) {
  const save = (label, run) => h("button", { type: "button", class: "button small", title: `Save these molecules as ${label}`, on: { click: (event) => run(event.currentTarget) } }, icon("down"), label);
  return h("p", { class: "row saves" },
    save("CSV", () => saveCsv(molecules, nameOf(result))),
    molecules.some((molecule) => molecule.pose) ? save("SDF", (button) => attempt(() => sdf(molecules, result), button)) : null);
}
