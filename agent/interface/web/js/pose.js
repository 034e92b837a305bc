// The 3D view of a docked pose: Mol* and the structures are fetched when it is first opened, and one viewer serves all.

import { call, text } from "./api.js";
import { h } from "./dom.js";
import { complexOf } from "./structure.js";
import { isDark, onTheme } from "./theme.js";
import "./pocket_scene.js";

const ROOM = new URL("..", import.meta.url);
const stage = h("div", { class: "mol-stage" });
let scene = null;
let turn = Promise.resolve();

async function openScene() {
  const script = new URL("molstar.js", ROOM);
  await call(script.pathname); // says what to install where the viewer is missing; the browser then has it in its cache
  const style = h("link", { rel: "stylesheet", href: new URL("molstar.css", ROOM).href });
  const styled = new Promise((resolve) => { style.onload = resolve; style.onerror = resolve; });
  document.head.prepend(style);
  await Promise.all([import(script.href), styled]);
  const made = await globalThis.organonPocketScene(globalThis.organonMolstar, stage);
  onTheme((dark) => made.paint(dark));
  return made;
}

function hasWebGl() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

/** { element, leave } for a molecule with `pose` and `receptor` (artifact ids). */
export function poseView(molecule) {
  const note = h("p", { class: "soft", text: "Loading the 3D view" });
  const box = h("div", { class: "pose", data: { state: "loading" } }, note);
  const labels = h("input", { type: "checkbox", on: { change: () => show() } });
  const tools = h("div", { class: "row fine" }, h("label", {}, labels, " residue names"),
    h("button", { type: "button", class: "button small", text: "Centre", on: { click: () => scene && scene.recentre() } }),
    h("span", { text: "Ligand teal, pocket grey within 5 Å, dashes: interactions. Drag to turn, scroll to zoom." }));
  let left = false;
  const say = (state, words) => { box.dataset.state = state; note.textContent = words; };

  const draw = async () => {
    if (left) return;
    if (!hasWebGl()) throw new Error("this browser offers no WebGL. The pose can be saved as SDF and opened elsewhere");
    if (!molecule.receptor) throw new Error("the receptor of this pose is not recorded");
    const [receptor, pose] = await Promise.all([text(`artifacts/${molecule.receptor}`), text(`artifacts/${molecule.pose}`)]);
    const complex = complexOf(receptor, pose);
    if (left) return;
    box.append(stage);
    if (!scene) scene = await openScene();
    scene.paint(isDark());
    await scene.draw({ complex: complex.text, chain: complex.chain, title: molecule.name || molecule.handle || molecule.smiles, labels: labels.checked });
    say("ready", "");
    box.dataset.pose = molecule.pose;
  };

  const show = () => {
    turn = turn.then(draw).catch((error) => {
      stage.remove();
      say("failed", `The 3D view cannot be shown: ${error.message || error}.`.replace("..", "."));
    });
  };
  show();
  return { element: h("div", {}, box, tools), leave: () => { left = true; stage.remove(); } };
}
