// A docked pose (SDF) and its receptor (PDB) as one PDB text, in which Mol* sees what touches what. Lengths in Å.

const RECORDS = /^(ATOM {2}|HETATM|TER|CONECT|HELIX|SHEET)/;
const FREE_CHAINS = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210";

/** { text, chain }: the receptor's first model and the pose in a chain of its own; all bonds last, since Mol* reads one
 *  block of them. */
export function complexOf(receptorPdb, sdf) {
  const receptor = receptorLines(receptorPdb);
  const atoms = receptor.filter((line) => line.startsWith("ATOM") || line.startsWith("HETATM"));
  const used = new Set(atoms.map((line) => line[21]));
  const chain = [...FREE_CHAINS].find((letter) => !used.has(letter)) || "z";
  const first = 1 + atoms.reduce((most, line) => Math.max(most, parseInt(line.slice(6, 11), 10) || 0), 0);
  const lines = [...receptor, ...ligandLines(molBlock(sdf), chain, first)];
  const isBond = (line) => line.startsWith("CONECT");
  return { text: [...lines.filter((line) => !isBond(line)), ...lines.filter(isBond)].join("\n") + "\n", chain };
}

/** Coordinate records and bonds of the first model. */
function receptorLines(text) {
  const lines = [];
  let ended = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("ENDMDL")) ended = true;
    if ((!ended || line.startsWith("CONECT")) && RECORDS.test(line)) lines.push(line.trimEnd());
  }
  return lines;
}

/** Atoms and bonds of the first record of an SDF (V2000 connection table). */
export function molBlock(sdf) {
  const lines = sdf.split("\n");
  const counts = lines[3] || "";
  if (!counts.includes("V2000")) throw new Error("the pose is not an SDF in V2000 form");
  const [nAtoms, nBonds] = [parseInt(counts.slice(0, 3), 10), parseInt(counts.slice(3, 6), 10)];
  const atoms = lines.slice(4, 4 + nAtoms).map((line) => ({
    x: parseFloat(line.slice(0, 10)), y: parseFloat(line.slice(10, 20)), z: parseFloat(line.slice(20, 30)), element: line.slice(31, 34).trim(),
  }));
  const bonds = lines.slice(4 + nAtoms, 4 + nAtoms + nBonds).map((line) => [0, 3, 6].map((at) => parseInt(line.slice(at, at + 3), 10)));
  if (!atoms.length || atoms.some((atom) => Number.isNaN(atom.x + atom.y + atom.z))) throw new Error("the pose has no coordinates");
  if (atoms.every((atom) => atom.z === 0)) throw new Error("the pose is a flat drawing");
  return { atoms, bonds };
}

/** HETATM and CONECT records; a double bond repeats the partner, as in PDB files with explicit orders. */
function ligandLines({ atoms, bonds }, chain, first) {
  const serial = (index) => String((first + index) % 100000).padStart(5);
  const counts = {};
  const records = atoms.map((atom, index) => {
    counts[atom.element] = (counts[atom.element] || 0) + 1;
    const name = `${atom.element.toUpperCase()}${counts[atom.element]}`.slice(0, 4);
    const padded = (atom.element.length === 2 || name.length === 4 ? name : ` ${name}`).padEnd(4);
    const place = [atom.x, atom.y, atom.z].map((value) => value.toFixed(3).padStart(8)).join("");
    return `HETATM${serial(index)} ${padded} UNL ${chain}   1    ${place}  1.00  0.00          ${atom.element.toUpperCase().padStart(2)}`;
  });
  const partners = atoms.map(() => []);
  for (const [from, to, order] of bonds) {
    for (let time = 0; time < (order === 2 || order === 3 ? order : 1); time += 1) {
      partners[from - 1].push(to - 1);
      partners[to - 1].push(from - 1);
    }
  }
  for (const [index, others] of partners.entries()) {
    for (let start = 0; start < others.length; start += 4) {
      records.push(`CONECT${serial(index)}${others.slice(start, start + 4).map(serial).join("")}`);
    }
  }
  return records;
}
