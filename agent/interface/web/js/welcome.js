// The empty page: what can be done here, as requests to try. A click writes one into the composer.

import { h } from "./dom.js";

const EXAMPLES = [
  ["Ligands for a protein", [
    "Design ligands for ABL1 with logP below 4 and a hydrogen bond to the hinge",
    "Find the binding pockets of ABL1",
    "Dock imatinib and dasatinib into ABL1",
  ]],
  ["Molecules and synthesis", [
    "Generate 10 molecules with QED above 0.6 and no PAINS",
    "Plan a synthesis of CC(=O)Nc1ccc(O)cc1",
    "Make CC(C)Cc1ccc(cc1)C(C)C(=O)O more soluble",
  ]],
  ["Proteins, antibodies, materials", [
    "Suggest mutations of GFP that make it brighter",
    "Design H3 loops for the antibody in the attached file",
    "Generate 5 metal-organic frameworks with zinc",
  ]],
  ["Literature and earlier results", [
    "What is known about resistance mutations of ABL1?",
    "Have we seen something like CC(=O)Nc1ccc(O)cc1 before?",
    "Properties of aspirin, ibuprofen and caffeine",
  ]],
];

export function welcome(page) {
  return h("section", { class: "welcome" },
    h("h1", { text: "What should be found out?" }),
    h("p", { class: "soft lead", text: "Ask in plain words. Organon plans the steps, a generative model proposes, chemistry and physics check, and every number shown can be traced to the call that computed it." }),
    h("div", { class: "examples" }, EXAMPLES.map(([title, requests]) => h("div", {}, h("h2", { text: title }),
      h("ul", {}, requests.map((text) => h("li", {}, h("button", { type: "button", class: "plain example", text, on: { click: () => page.compose(text) } }))))))),
    h("p", { class: "fine", text: "Steps that take long or leave this machine are asked about first. Work goes on when this page is closed, and is here when it is opened again." }));
}
