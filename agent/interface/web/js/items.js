// Things of a conversation other than molecules: each kind in a form a reader of its field expects.

import { address, download } from "./api.js";
import { checkList, checkMarks, tally } from "./checks.js";
import { drawing } from "./drawing.js";
import { h, icon } from "./dom.js";
import { bytes, label, number } from "./format.js";
import { inspect } from "./inspector.js";
import { copy, numberList } from "./molecules.js";
import { structureView } from "./pose.js";
import { facts } from "./provenance.js";
import { routeTree } from "./route.js";
import { attempt } from "./toasts.js";

const BODY = {
  protein: (item) => sequence(item.value),
  antibody: (item) => sequence(item.value),
  pocket: (item) => h("p", { class: "residues" }, item.value.split(/\s+/).filter(Boolean).map((residue) => h("code", { text: residue }))),
  reaction: reaction,
  route: (item) => routeTree(item.value),
  material: (item) => h("pre", { class: "grammar", text: item.value }),
  passage: (item) => h("blockquote", { text: item.value }),
  run: (item, context) => h("button", { type: "button", class: "button small", text: "Open the run", on: { click: () => context.openRun(item.value) } }),
  file: file,
  receptor: () => null,
};

/** A card of any kind but molecule. `context`: { openRun, actionsFor(item) }. */
export function itemCard(item, context) {
  const make = BODY[item.kind];
  const picture = /^[\w.-]+\.svg$/.test((item.links || {}).drawing || "") ? item.links.drawing : null;
  const own = { receptor: { structure: item.value }, file: { file: item.value } }[item.kind] || {};
  const links = artifactLinks({ ...own, ...item.links }, item.name || item.handle);
  const structure = structureOf(item);
  const details = structure || (Object.keys(item.details || {}).length && item.kind !== "file") ? h("button", { type: "button", class: "button small", text: structure ? "3D and details" : "Details", on: { click: () => showDetails(item, structure) } }) : null;
  return h("article", { class: "item", data: { id: item.handle || item.value, kind: item.kind } },
    h("header", { class: "row" }, item.handle ? h("span", { class: "handle", text: item.handle }) : null, h("b", { text: item.name || label(item.kind) }), item.name ? h("span", { class: "fine", text: label(item.kind) }) : null),
    make ? make(item, context) : h("pre", { text: item.value }),
    picture && item.kind !== "route" ? h("figure", { class: "picture" }, h("img", { src: address(`artifacts/${picture}`), alt: `Drawing of ${item.name || item.handle}`, loading: "lazy" })) : null,
    Object.keys(item.numbers || {}).length ? numberList(item.numbers) : null,
    (item.checks || []).length ? h("details", { class: "reasons" }, h("summary", {}, checkMarks(item.checks), h("span", { class: "fine", text: tally(item.checks) })), checkList(item.checks)) : null,
    h("div", { class: "row buttons" }, details, links, (context.actionsFor(item) || []).map((action) => h("button", { type: "button", class: "button small", text: action.label, title: action.hint, on: { click: () => action.run([item]) } }))));
}

/** The artifact of the structure a pocket or receptor belongs to, or null. */
function structureOf(item) {
  const id = (item.links || {}).structure || "";
  return ["pocket", "receptor"].includes(item.kind) && /^[\w-]+\.(pdb|cif|ent)$/.test(id) ? id : null;
}

function showDetails(item, structure) {
  const residues = item.kind === "pocket" ? item.value.split(/\s+/) : (item.details || {}).pocket_residues || [];
  const view = structure ? structureView(structure, residues, item.name || item.handle) : null;
  inspect([item.handle, item.name].filter(Boolean).join(" "), h("div", { class: "full" }, view ? view.element : null, full(item)), { onClose: view ? view.leave : null, wide: Boolean(view) });
}

function full(item) {
  return h("div", {}, item.made_from && item.made_from.length ? h("p", { class: "fine" }, "Made from ", item.made_from.map((handle) => [h("span", { class: "handle", text: handle }), " "])) : null, facts(item.details));
}

/** Ten letters a group, as sequences are printed; copied without the gaps. */
function sequence(text) {
  const groups = text.match(/.{1,10}/g) || [];
  return h("div", { class: "sequence" },
    h("code", {}, groups.map((group, index) => [h("span", { class: "group", title: `${index * 10 + 1} to ${index * 10 + group.length}`, text: group }), " "])),
    h("button", { type: "button", class: "icon tiny", title: "Copy the sequence", aria: { label: "Copy the sequence" }, on: { click: () => copy(text, "Sequence") } }, icon("copy")),
    h("span", { class: "fine", text: `${text.replaceAll(/[^A-Za-z]/g, "").length} residues` }));
}

function reaction(item) {
  if ((item.links || {}).drawing) return h("code", { text: item.value });
  const parts = item.value.split(">");
  if (parts.length !== 3) return h("code", { text: item.value });
  const side = (text) => text.split(".").filter(Boolean).map((smiles, index) => [index ? h("span", { class: "plus", text: "+" }) : null, drawing(smiles, 130, 95)]);
  return h("div", { class: "equation" }, side(parts[0]), h("span", { class: "arrow", title: parts[1] || "", text: "→" }), side(parts[2]));
}

function file(item) {
  const { type, bytes: size, ...rest } = item.details || {};
  const told = [type, typeof size === "number" ? bytes(size) : ""].filter(Boolean).join(" · ");
  const more = Object.entries(rest).filter(([, value]) => ["number", "string"].includes(typeof value)).slice(0, 4);
  return h("div", {}, h("p", { class: "fine", text: told }), more.length ? h("p", { class: "fine", text: more.map(([name, value]) => `${label(name)} ${typeof value === "number" ? number(value) : value}`).join(" · ") }) : null);
}

function artifactLinks(links, name) {
  const entries = Object.entries(links).filter(([, id]) => typeof id === "string" && /^[\w.-]+$/.test(id));
  return entries.map(([role, id]) => h("button", { type: "button", class: "button small", title: address(`artifacts/${id}`), on: { click: (event) => attempt(() => download(`artifacts/${id}`, `${(name || role).replaceAll(/[^\w.-]+/g, "_").replace(/\.\w+$/, "")}.${id.split(".").pop()}`), event.currentTarget) } }, icon("down"), label(role)));
}

