// Checks of a candidate: green, red or grey by verdict, with a sign beside the colour and the reason in words.

import { h } from "./dom.js";
import { plural, quantity, stageLabel } from "./format.js";
import { showCall } from "./provenance.js";

const SIGN = { pass: "✓", fail: "✕", unknown: "?" };
const tone = (check) => (check.verdict === "fail" && check.hard === false ? "flag" : check.verdict);

/** One small square a check, in its colour and with its sign; `brief` counts those that passed in one square. */
export function checkMarks(checks, brief = false) {
  const passed = checks.filter((check) => check.verdict === "pass");
  const single = brief ? checks.filter((check) => check.verdict !== "pass") : checks;
  if (!checks.length) return h("span", { class: "none", text: "no checks" });
  return h("span", { class: "marks", role: "img", aria: { label: `${tally(checks)}: ${checks.filter((c) => c.verdict !== "pass").map((c) => `${stageLabel(c.name)} ${c.verdict}${c.reason ? `, ${c.reason}` : ""}`).join("; ")}` } },
    brief && passed.length ? h("span", { class: "mark pass many", title: `${passed.length} passed`, text: `✓ ${passed.length}` }) : null,
    single.map((check) => h("span", { class: `mark ${tone(check)}`, title: [stageLabel(check.name), check.verdict, check.reason].filter(Boolean).join(": "), text: tone(check) === "flag" ? "!" : SIGN[check.verdict] })));
}

export function tally(checks) {
  const counts = { pass: 0, fail: 0, unknown: 0, flag: 0 };
  for (const check of checks) counts[tone(check)] += 1;
  return [
    counts.pass ? `${counts.pass} passed` : "", counts.fail ? `${counts.fail} failed` : "", counts.flag ? `${counts.flag} flagged` : "", counts.unknown ? `${counts.unknown} undecided` : "",
  ].filter(Boolean).join(", ") || plural(0, "check");
}

export function checkList(checks) {
  return h("ul", { class: "checklist" }, checks.map((check) => h("li", {},
    h("span", { class: `mark ${tone(check)}`, aria: { hidden: "true" }, text: tone(check) === "flag" ? "!" : SIGN[check.verdict] }),
    h("div", {},
      h("span", { class: "what" }, stageLabel(check.name), h("span", { class: "unseen", text: ` ${check.verdict}` })),
      check.value !== null && check.value !== undefined && check.value !== "" ? h("span", { class: "value", text: quantity(check.value, check.unit) }) : null,
      check.threshold ? h("span", { class: "fine", text: ` limit ${check.threshold}` }) : null,
      check.reason ? h("p", { class: "reason", text: check.reason }) : check.verdict === "unknown" ? h("p", { class: "reason", text: "could not be decided" }) : null,
      tone(check) === "flag" ? h("p", { class: "fine", text: "a flag: it did not end the candidate's way" }) : null),
    check.call_id ? h("button", { type: "button", class: "link fine", text: "call", aria: { label: `Provenance of ${stageLabel(check.name)}` }, on: { click: () => showCall(check.call_id) } }) : null)));
}
