// A table of molecules: sort by any column, filter by words or verdicts, choose rows and act on them, save as CSV or
// SDF. On a narrow screen every row is a small card; the same elements, laid out by the style sheet.

import { checkMarks } from "./checks.js";
import { drawing } from "./drawing.js";
import { h, icon, keepingFocus, put } from "./dom.js";
import { byWeight, label, number, plural, unit } from "./format.js";
import { actionButton, offered, showMolecule, smilesLine } from "./molecules.js";
import { traced } from "./provenance.js";

const FIRST_COLUMNS = 6;
const FIRST_ROWS = 20;
const LOWER_IS_BETTER = new Set(["vina", "dock", "vina_score", "sa", "sa_score", "strain", "interaction", "size_residual"]);

/** `actions`: [{label, hint, run(molecules)}]; `saves`: [{label, run(molecules)}]. `show(molecules)` gives new rows,
 *  keeping what was sorted, filtered and chosen; `first()`: how many are drawn before they are asked for. */
export function moleculeTable({ caption, actions = [], saves = [], first = () => FIRST_ROWS }) {
  const state = { rows: [], sort: null, down: false, words: "", verdict: "", chosen: new Set(), columns: null, all: false };
  const lines = new Map();
  const body = h("tbody");
  const head = h("thead");
  const count = h("span", { class: "fine", aria: { live: "polite" } });
  const bar = h("div", { class: "row chosen", hidden: true });
  const columns = h("details", { class: "columns" }, h("summary", { class: "button small", text: "Columns" }), h("div", { class: "menu" }));
  const more = h("button", { type: "button", class: "link fine", on: { click: () => { state.all = true; draw(); } } });
  const find = h("input", { type: "search", class: "field", placeholder: "Filter", aria: { label: `Filter ${caption}` }, on: { input: () => { state.words = find.value.trim().toLowerCase(); draw(); } } });
  const verdict = h("select", { class: "field", aria: { label: "Filter by checks" }, on: { change: () => { state.verdict = verdict.value; draw(); } } },
    [["", "any checks"], ["pass", "all passed"], ["unknown", "something undecided"], ["fail", "something failed"]].map(([value, text]) => h("option", { value, text })));
  const order = h("select", { class: "field order", aria: { label: "Sort by" }, on: { change: () => sortBy(order.value || null) } });
  const element = h("section", { class: "results-table", aria: { label: caption } },
    h("div", { class: "row tools" }, find, verdict, order, columns, count,
      h("span", { class: "row push" }, saves.map((save) => h("button", { type: "button", class: "button small", title: `Save these rows as ${save.label}`, on: { click: (event) => save.run(visible(), event.currentTarget) } }, icon("down"), save.label)))),
    bar, h("div", { class: "scroll" }, h("table", { class: "ranking" }, h("caption", { class: "unseen", text: caption }), head, body)), more);

  const names = () => byWeight(new Set(state.rows.flatMap((row) => Object.keys(row.numbers))));
  const shownNames = () => names().filter((name, index) => (state.columns ? state.columns.has(name) : index < FIRST_COLUMNS));
  const value = (row, name) => (row.numbers[name] ? row.numbers[name].value : null);
  const goal = (name) => (state.rows.find((row) => row.numbers[name] && row.numbers[name].goal)?.numbers[name].goal) || (LOWER_IS_BETTER.has(name) ? "minimize" : "maximize");

  const passes = {
    "": () => true,
    pass: (row) => row.checks.length > 0 && row.checks.every((check) => check.verdict === "pass"),
    unknown: (row) => row.checks.some((check) => check.verdict === "unknown"),
    fail: (row) => row.checks.some((check) => check.verdict === "fail"),
  };
  const wordsOf = (row) => [row.handle, row.name, row.smiles, row.notes.origin, ...row.checks.map((check) => `${check.name} ${check.reason}`)].join(" ").toLowerCase();

  function visible() {
    const rows = state.rows.filter((row) => passes[state.verdict](row) && (!state.words || wordsOf(row).includes(state.words)));
    if (state.sort === null) return rows;
    const sign = state.down ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [x, y] = [value(a, state.sort), value(b, state.sort)];
      const [noX, noY] = [typeof x !== "number", typeof y !== "number"];
      return noX || noY ? noX - noY : sign * (x - y);
    });
  }

  function sortBy(name) {
    state.down = state.sort === name ? !state.down : name !== null && goal(name) === "maximize";
    state.sort = name;
    draw();
  }

  function choose(row, on) {
    if (on) state.chosen.add(row.id); else state.chosen.delete(row.id);
    drawChosen();
  }

  function drawChosen() {
    const rows = state.rows.filter((row) => state.chosen.has(row.id));
    bar.hidden = !rows.length;
    if (rows.length) put(bar, h("b", { text: `${rows.length} chosen` }), offered(actions, rows).map((action) => actionButton(action, rows)), h("button", { type: "button", class: "link fine push", text: "clear", on: { click: () => { state.chosen.clear(); draw(); } } }));
    for (const line of body.rows) line.classList.toggle("on", state.chosen.has(line.dataset.id));
  }

  function drawHead() {
    const all = h("input", { type: "checkbox", data: { focus: "all" }, aria: { label: "Choose all shown rows" }, on: { change: () => { for (const row of visible()) choose(row, all.checked); draw(); } } });
    const shown = visible();
    all.checked = shown.length > 0 && shown.every((row) => state.chosen.has(row.id));
    put(head, h("tr", {}, actions.length ? h("th", { class: "pick" }, all) : null, h("th", { scope: "col", text: "" }), h("th", { scope: "col", text: "Molecule" }),
      shownNames().map((name) => {
        const sorted = state.sort === name ? (state.down ? "descending" : "ascending") : null;
        const units = unit(state.rows.find((row) => row.numbers[name])?.numbers[name].unit || "");
        return h("th", { scope: "col", class: "num", aria: { sort: sorted } }, h("button", { type: "button", class: "plain", data: { focus: `sort ${name}` }, on: { click: () => sortBy(name) } }, label(name), units ? h("small", { text: units }) : null));
      }), state.rows.some((row) => row.checks.length) ? h("th", { scope: "col", text: "Checks" }) : null));
  }

  /** The row's element; the same as long as nothing in it changed, so that nothing flickers. */
  function lineOf(row) {
    const shape = `${shownNames().join()} ${state.rows.some((other) => other.checks.length)}`;
    const held = lines.get(row.id);
    if (held && held.row === row && held.shape === shape) {
      const pick = held.element.querySelector(".pick input");
      if (pick) pick.checked = state.chosen.has(row.id);
      return held.element;
    }
    const element = line(row);
    lines.set(row.id, { row, shape, element });
    return element;
  }

  function line(row) {
    const pick = h("input", { type: "checkbox", checked: state.chosen.has(row.id), data: { focus: `pick ${row.id}` }, aria: { label: `Choose ${row.handle || row.name || row.smiles}` }, on: { change: () => choose(row, pick.checked), click: (event) => event.stopPropagation() } });
    const open = () => showMolecule(row, actions);
    return h("tr", { data: { id: row.id }, class: state.chosen.has(row.id) ? "on" : "", on: { click: (event) => { if (!event.target.closest("button, input, a") && !getSelection().toString()) open(); } } },
      actions.length ? h("td", { class: "pick" }, pick) : null,
      h("td", { class: "picture" }, drawing(row.smiles, 132, 88, row.name)),
      h("td", { class: "who" }, h("button", { type: "button", class: "plain open", title: "Everything about it", on: { click: open } }, row.handle ? h("span", { class: "handle", text: row.handle }) : null, " ", h("b", { text: row.name || "" }), row.pose ? h("span", { class: "tag", text: "3D" }) : null, row.notes.seen_before ? h("span", { class: "tag warn", title: `Found before: ${row.notes.seen_before}`, text: "seen before" }) : null), smilesLine(row.smiles), row.notes.origin ? h("span", { class: "fine", text: row.notes.origin }) : null),
      shownNames().map((name) => h("td", { class: "num", data: { label: label(name), unit: unit(row.numbers[name]?.unit || "") } }, typeof value(row, name) === "number" ? traced(number(value(row, name)), row.numbers[name].call_id) : h("span", { class: "none", text: row.numbers[name] ? "not computed" : "–" }))),
      state.rows.some((other) => other.checks.length) ? h("td", { class: "checks", data: { label: "Checks" } }, h("button", { type: "button", class: "plain", on: { click: open } }, checkMarks(row.checks, true))) : null);
  }

  function drawTools() {
    const known = names();
    const chosen = new Set(shownNames());
    columns.hidden = known.length <= FIRST_COLUMNS;
    put(columns.lastChild, known.map((name) => h("label", {}, h("input", { type: "checkbox", checked: chosen.has(name), on: { change: (event) => { state.columns = new Set(shownNames()); if (event.target.checked) state.columns.add(name); else state.columns.delete(name); draw(); } } }), label(name))));
    put(order, h("option", { value: "", text: "ranked" }), known.map((name) => h("option", { value: name, text: `by ${label(name)}` })));
    order.value = state.sort || "";
  }

  function draw() {
    const rows = visible();
    const shown = state.all ? rows : rows.slice(0, first());
    keepingFocus(element, () => { drawHead(); put(body, shown.map(lineOf)); });
    more.hidden = shown.length === rows.length;
    more.textContent = `Show all ${rows.length}`;
    count.textContent = rows.length === state.rows.length ? plural(rows.length, "molecule") : `${rows.length} of ${plural(state.rows.length, "molecule")}`;
    drawChosen();
    if (!columns.open) drawTools();
  }

  return { element, show(rows) { state.rows = rows; draw(); } };
}
