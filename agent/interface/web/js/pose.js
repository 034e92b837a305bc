// The 3D view of a docked pose, or of a structure with a site in it. Mol* and the structures are fetched when it is opened.

import { call, text } from "./api.js";
import { h } from "./dom.js";
import { complexOf } from "./structure.js";
import { isDark, onTheme } from "./theme.js";

const ROOM = new URL("..", import.meta.url);

/** A frame with Mol* in it: its scene (see pocket_scene.js). */
async function openScene(box) {
  await call(new URL("molstar.css", ROOM).pathname); // says what to install where the viewer is missing
  const frame = h("iframe", { title: "3D view", src: new URL("viewer.html", ROOM).href });
  const loaded = new Promise((resolve) => { frame.onload = resolve; });
  box.append(frame);
  await loaded;
  return { scene: await frame.contentWindow.organonScene, root: frame.contentDocument.documentElement };
}

function hasWebGl() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

/** { element, leave } for a molecule with `pose` and `receptor` (artifact ids). */
export function poseView(molecule) {
  return sceneView("Ligand teal; pocket within 5 Å grey; dashes are interactions.", async () => {
    if (!molecule.receptor) throw new Error("the receptor of this pose is not recorded");
    const [receptor, pose] = await Promise.all([text(`artifacts/${molecule.receptor}`), text(`artifacts/${molecule.pose}`)]);
    const complex = complexOf(receptor, pose);
    return { complex: complex.text, chain: complex.chain, title: molecule.name || molecule.handle || molecule.smiles };
  });
}

/** { element, leave } for a structure (artifact id of a PDB or mmCIF file) in which `residues` ("A:MET86") are marked. */
export function structureView(structure, residues, title) {
  const words = residues.length ? `${residues.length} residues of the site teal.` : "The whole structure.";
  return sceneView(words, async () => ({ complex: await text(`artifacts/${structure}`), chain: "", residues, title, format: structure.endsWith(".cif") ? "mmcif" : "pdb" }));
}

/** `load()` gives what the scene draws (see pocket_scene.js). */
function sceneView(words, load) {
  const note = h("p", { class: "soft", text: "Loading the 3D view" });
  const box = h("div", { class: "pose", data: { state: "loading" } }, note);
  const labels = h("input", { type: "checkbox", on: { change: () => show() } });
  const tools = h("div", { class: "row fine" }, h("label", {}, labels, " residue names"),
    h("button", { type: "button", class: "button small", text: "Centre", on: { click: () => opened && opened.scene.recentre() } }),
    h("span", { text: `${words} Drag turns, the wheel zooms.` }));
  const say = (state, words) => { box.dataset.state = state; note.textContent = words; };
  let left = false;
  let opened = null;
  let loaded = null;
  let turn = Promise.resolve();

  const paint = (dark) => {
    opened.root.dataset.theme = dark ? "dark" : "light";
    opened.scene.paint(dark);
  };

  const draw = async () => {
    if (left) return;
    if (!hasWebGl()) throw new Error("this browser offers no WebGL. The structure can be saved and opened elsewhere");
    loaded ||= await load();
    opened ||= await openScene(box);
    if (left) return;
    paint(isDark());
    await opened.scene.draw({ ...loaded, labels: labels.checked });
    say("ready", "");
  };

  const show = () => {
    turn = turn.then(draw).catch((error) => {
      if (!left) say("failed", `The 3D view cannot be shown: ${String(error.message || error).replace(/\.$/, "")}.`);
    });
  };
  const forget = onTheme((dark) => { if (opened && !left) paint(dark); });
  show();
  return { element: h("div", {}, box, tools), leave: () => { left = true; forget(); } };
}
