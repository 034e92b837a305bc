// Runs in a document of its own, beside the page: Mol* compiles code at its start, which the page's policy forbids, and
// this document's allows. It is given structures by the page and can ask nobody for anything.

globalThis.organonScene = import("../molstar.js").then(() => globalThis.organonPocketScene(globalThis.organonMolstar, document.getElementById("stage")));
