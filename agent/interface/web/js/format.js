// Names, numbers, units and times as a reader sees them. What could not be computed reads so, never 0.

const LABELS = {
  vina: "Vina score", vina_score: "Vina score", dock: "Vina score", qed: "QED", sa: "SA score", sa_score: "SA score",
  logp: "logP", log_p: "logP", logd: "logD", tpsa: "TPSA", fsp3: "Fsp3", mol_weight: "Mol. weight", molecular_weight: "Mol. weight",
  hbd: "H-bond donors", hba: "H-bond acceptors", pains: "PAINS", brenk: "Brenk alerts", posebusters: "PoseBusters",
  mmff_interaction: "MMFF interaction", interaction: "MMFF interaction", logs: "logS", rmsd: "RMSD", smiles: "SMILES",
  ligand_efficiency: "Ligand efficiency", csv: "CSV", sdf: "SDF", html: "HTML", json: "JSON", pdb: "PDB",
  approved_drugs: "Approved drugs", sanitise: "Valence", blosum62_change: "BLOSUM62 change", log_prob: "Log-probability", bm25: "BM25", cdr: "CDR",
};
const STAGES = { dock: "Docking", pose: "Pose (PoseBusters)", interaction: "MMFF interaction" };
const UNITS = {
  angstrom: "Å", angstroms: "Å", kcal_mol: "kcal/mol", seconds: "s", daltons: "Da", dimensionless: "", "1": "",
  "kcal/mol/heavy_atom": "kcal/mol per heavy atom", "1 easy .. 10 hard": "",
  log10: "", count: "", atoms: "", "heavy atoms": "", heavy_atoms: "", bonds: "", alerts: "", violations: "", steps: "", substitutions: "", samples: "", "donor groups": "", "failed tests": "",
};

export function label(name) {
  const known = LABELS[name.toLowerCase()];
  if (known) return known;
  const words = name.replaceAll("_", " ").replace(/ angstroms?$/, " (Å)");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const FIRST = ["vina", "vina_score", "dock", "qed", "sa", "sa_score", "logp", "log_p", "solubility", "logs", "mol_weight", "molecular_weight", "ligand_efficiency"];

/** Names of numbers in the order of their weight for a reader; others follow as they came. */
export function byWeight(names) {
  const place = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return [...names].sort((a, b) => place(a) - place(b));
}

/** A step's name is a verb: `dock` is "Dock", not the score. */
export function actionLabel(name) {
  const words = name.replaceAll("_", " ").replace(/\bcdr\b/, "CDR");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const stageLabel = (name) => STAGES[name] || label(name);
export const unit = (name) => (name in UNITS ? UNITS[name] : name || "");

export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "not computed";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2);
  return value.toFixed(size < 1 ? 3 : size < 100 ? 2 : 1);
}

export function quantity(value, unitName) {
  const shown = number(value);
  const printed = unit(unitName);
  return typeof value === "number" && printed ? `${shown} ${printed}` : shown;
}

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 0.1) return "<0.1 s";
  if (value < 10) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  const [count, names] = whole < 3600 ? [whole, ["min", "s"]] : [Math.round(whole / 60), ["h", "min"]];
  const small = count % 60;
  return `${Math.floor(count / 60)} ${names[0]}${small ? ` ${small} ${names[1]}` : ""}`;
}

export function ago(time) {
  const passed = (Date.now() - new Date(time).getTime()) / 1000;
  if (Number.isNaN(passed)) return "";
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

export const clock = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
export const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

export function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1048576) return `${(n / 1024).toFixed(0)} kB`;
  return n < 1073741824 ? `${(n / 1048576).toFixed(1)} MB` : `${(n / 1073741824).toFixed(1)} GB`;
}

/** Arguments of a call in one line: `target ABL1 · rounds 2`. */
export function argsLine(args) {
  const parts = Object.entries(args || {}).filter(([, value]) => value !== null && value !== undefined);
  return parts.map(([name, value]) => `${name} ${clip(valueText(value), 60)}`).join(" · ");
}

export function valueText(value) {
  if (Array.isArray(value)) return value.map(valueText).join(value.some((part) => typeof part === "object") ? "; " : ", ");
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value);
  const flat = entries.every(([, part]) => typeof part !== "object" || part === null);
  return flat ? entries.map(([name, part]) => `${name} ${part}`).join(", ") : JSON.stringify(value);
}
