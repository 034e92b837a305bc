// Tables and structures of a conversation as files. Those of a campaign come from its own routes, made by the server.

import { saveBlob, text } from "./api.js";
import { label, unit } from "./format.js";

const FORMULA = /^[=+\-@\t\r]/;

/** Text that a spreadsheet would run as a formula is quoted; numbers are given in full; missing ones are empty. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf(molecules) {
  const numbers = [...new Set(molecules.flatMap((m) => Object.keys(m.numbers)))];
  const checks = [...new Set(molecules.flatMap((m) => m.checks.map((check) => check.name)))];
  const unitOf = (name) => unit(molecules.find((m) => m.numbers[name])?.numbers[name].unit || "");
  const head = ["handle", "name", "smiles", ...numbers.flatMap((name) => [unitOf(name) ? `${name} (${unitOf(name)})` : name, `${name} call`]), ...checks.flatMap((name) => [`${name} verdict`, `${name} reason`])];
  const rows = molecules.map((m) => {
    const byName = new Map(m.checks.map((check) => [check.name, check]));
    return [m.handle, m.name, m.smiles, ...numbers.flatMap((name) => [m.numbers[name]?.value, m.numbers[name]?.call_id]), ...checks.flatMap((name) => [byName.get(name)?.verdict, byName.get(name)?.reason])];
  });
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function saveCsv(molecules, name) {
  saveBlob(new Blob([csvOf(molecules)], { type: "text/csv" }), `${name}.csv`);
}

/** One molecule a line with its name, as most programs read it. */
export function saveSmiles(molecules, name) {
  const lines = molecules.map((m) => `${m.smiles} ${[m.handle, m.name].filter(Boolean).join(" ").replaceAll(/\s+/g, "_")}\n`);
  saveBlob(new Blob(lines, { type: "chemical/x-daylight-smiles" }), `${name}.smi`);
}

/** The docked poses with all numbers as tags. Molecules without coordinates are left out: how many is given back. */
export async function saveSdf(molecules, name) {
  const posed = molecules.filter((m) => m.pose);
  const blocks = await Promise.all(posed.map(async (m) => {
    const block = (await text(`artifacts/${m.pose}`)).split(/^M {2}END\r?\n?/m)[0];
    const lines = block.split("\n");
    lines[0] = (m.handle || m.name || m.id).replaceAll(/\s+/g, " ");
    return `${lines.join("\n")}M  END\n${tags(m)}$$$$\n`;
  }));
  if (posed.length) saveBlob(new Blob(blocks, { type: "chemical/x-mdl-sdfile" }), `${name}.sdf`);
  return molecules.length - posed.length;
}

function tags(molecule) {
  const oneLine = (value) => String(value).replaceAll(/\s+/g, " ").replaceAll("$$$$", "$$ $$");
  const entries = [["smiles", molecule.smiles], ["name", molecule.name]];
  for (const [name, q] of Object.entries(molecule.numbers)) if (typeof q.value === "number") entries.push([unit(q.unit) ? `${label(name)} (${unit(q.unit)})` : label(name), q.value], [`${label(name)} call`, q.call_id]);
  for (const check of molecule.checks) entries.push([`${check.name} verdict`, check.verdict], [`${check.name} reason`, check.reason]);
  return entries.filter(([, value]) => value !== "" && value !== undefined && value !== null).map(([name, value]) => `>  <${oneLine(name).replaceAll(/[<>]/g, "")}>\n${oneLine(value)}\n\n`).join("");
}
