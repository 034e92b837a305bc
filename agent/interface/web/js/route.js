// A synthesis route as a tree: the product on top, below it what each step makes it from, down to the starting
// materials. A leaf that is no starting material is an open end, and is marked so.

import { drawing } from "./drawing.js";
import { h } from "./dom.js";
import { number } from "./format.js";

const MAX_DEPTH = 12;

/** `text`: the route's JSON {smiles, starting_material, step: {reactants, vote_share}}; anything else stays text. */
export function routeTree(text) {
  let root = null;
  try { root = JSON.parse(text); } catch { /* shown as text */ }
  if (!root || typeof root.smiles !== "string") return h("details", {}, h("summary", { text: "The route as text" }), h("pre", { text }));
  return h("div", { class: "route-tree scroll" }, h("ul", {}, node(root, 0)));
}

function node(given, depth) {
  const { smiles, step } = given;
  const leaf = !step;
  const word = !leaf ? `made in one step, vote share ${number(step.vote_share)}` : given.starting_material ? "starting material" : "open end";
  return h("li", {},
    h("div", { class: `compound${leaf ? (given.starting_material ? " stock" : " open") : ""}` }, drawing(smiles, 140, 96), h("div", {}, h("code", { text: smiles }), h("p", { class: "fine", text: word }))),
    step && depth < MAX_DEPTH ? h("ul", {}, step.reactants.map((reactant) => node(reactant, depth + 1))) : null);
}
