// A question before a costly or outward step: what would be done, what it takes, its arguments to edit; accept or refuse.

import { post } from "./api.js";
import { announce, h, icon, put } from "./dom.js";
import { actionLabel, label, plural, seconds, valueText } from "./format.js";
import { attempt, toast } from "./toasts.js";

/** { element, close(word) } for an `approval_requested` event of a run. `schema`: a promise of the action's
 *  description, whose words on each argument are filled in when it comes. */
export function approvalCard(runId, asked, schema, answered) {
  const fields = Object.entries(asked.args || {}).filter(([, value]) => value !== null).map(([name, value]) => field(name, value));
  schema.then((found) => { for (const entry of fields) entry.explain(propertyOf(found, entry.name).description); });
  const cost = asked.cost || {};
  const costs = [cost.seconds ? `about ${seconds(cost.seconds)}` : "", cost.docking_calls ? plural(cost.docking_calls, "docking") : "", cost.outward ? "sends the request to services on the network" : "stays on this machine"].filter(Boolean);
  const element = h("section", { class: "approval", tabIndex: -1, aria: { label: "Approval needed" } });

  const answer = (approved) => async (event) => {
    let args;
    if (approved) {
      try { args = Object.fromEntries(fields.map((entry) => [entry.name, entry.read()])); } catch (error) { toast("This argument cannot be read", error.message, { kind: "error" }); return; }
    }
    element.focus({ preventScroll: true }); // the button goes; who uses the keyboard stays at this place
    await attempt(async () => {
      const changed = approved && fields.some((entry) => entry.changed());
      await post(`runs/${runId}/approve`, { key: asked.key, approved, ...(changed ? { args: { ...asked.args, ...args } } : {}) });
      close(approved ? (changed ? "Accepted with changed arguments" : "Accepted") : "Refused: nothing was run");
      answered();
    }, event.currentTarget);
  };

  function close(word) {
    put(element, h("p", { class: "fine" }, h("b", { text: actionLabel(asked.action) }), ` · ${word}`));
    element.classList.add("closed");
  }

  put(element,
    h("h4", {}, "May this run? ", h("span", { class: "tool", text: actionLabel(asked.action) })),
    asked.reason ? h("p", { text: `You are asked because ${asked.reason}.` }) : null,
    h("p", { class: "fine", text: `Takes ${costs.join(", ")}.` }),
    fields.length ? h("div", { class: "fields" }, fields.map((entry) => entry.element)) : null,
    h("div", { class: "row" },
      h("button", { type: "button", class: "button strong", data: { answer: "accept" }, text: "Accept", on: { click: answer(true) } }),
      h("button", { type: "button", class: "button danger", data: { answer: "refuse" }, on: { click: answer(false) } }, icon("close"), "Refuse")));
  announce(`Approval needed: ${actionLabel(asked.action)}`);
  return { element, close };
}

const propertyOf = (schema, name) => ((schema && schema.parameters && schema.parameters.properties) || {})[name] || {};

/** One argument: a box to tick, a number, a line of text, a list with one entry a line, or JSON. */
function field(name, value) {
  const words = h("span", { class: "fine" });
  const flat = Array.isArray(value) && value.every((part) => typeof part === "string");
  const kind = typeof value === "boolean" ? "box" : typeof value === "number" ? "number" : typeof value === "string" ? "text" : flat ? "lines" : "json";
  const id = `arg-${name}-${Math.random().toString(36).slice(2, 8)}`;
  const shown = kind === "lines" ? value.join("\n") : kind === "json" ? JSON.stringify(value, null, 1) : valueText(value);
  const input = kind === "box" ? h("input", { type: "checkbox", checked: value, id })
    : kind === "lines" || kind === "json" || shown.length > 70 ? h("textarea", { class: "field mono", id, rows: Math.min(6, shown.split("\n").length + 1), value: shown, spellcheck: false })
      : h("input", { class: "field", id, type: kind === "number" ? "number" : "text", step: "any", value: shown });
  const read = () => {
    if (kind === "box") return input.checked;
    if (kind === "number") {
      if (input.value.trim() === "" || Number.isNaN(Number(input.value))) throw new Error(`${label(name)} has to be a number.`);
      return Number(input.value);
    }
    if (kind === "lines") return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (kind !== "json") return input.value;
    try { return JSON.parse(input.value); } catch { throw new Error(`${label(name)} is not valid JSON.`); }
  };
  const changed = () => { try { return JSON.stringify(read()) !== JSON.stringify(value); } catch { return true; } };
  return { name, read, changed, element: h("div", { class: "entry" }, h("label", { for: id, text: label(name) }), input, words), explain(text) { words.textContent = text || ""; } };
}
