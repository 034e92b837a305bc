// Where a number comes from: the executed call behind it, with its inputs, tool and version.

import { get } from "./api.js";
import { h, put } from "./dom.js";
import { clock, label, seconds, valueText } from "./format.js";
import { inspect } from "./inspector.js";

/** A number that can be asked for its call. */
export function traced(shown, callId) {
  if (!callId) return h("span", { text: shown });
  return h("button", { type: "button", class: "traced", title: "Where this number comes from", text: shown, on: { click: (event) => { event.stopPropagation(); showCall(callId); } } });
}

export async function showCall(callId) {
  const body = h("div", {}, h("p", { class: "soft pulse", text: "Reading the record" }));
  inspect("Provenance", body);
  try {
    const record = await get(`calls/${encodeURIComponent(callId)}`);
    put(body, h("p", { class: "fine" }, "Call ", h("code", { text: callId })), facts(record));
  } catch (error) {
    put(body, h("p", { class: "fine" }, "Call ", h("code", { text: callId })), h("p", { class: "none", text: error.message }));
  }
}

/** A record as pairs; what is long or nested folds. */
export function facts(record) {
  return h("dl", { class: "facts" }, Object.entries(record).filter(([, value]) => !empty(value)).map(([name, value]) => {
    const text = name === "time" && typeof value === "number" ? clock(value * 1000) : name === "seconds" ? seconds(value) : valueText(value);
    const nested = typeof value === "object" && !Array.isArray(value) && Object.keys(value).length;
    const shown = nested ? facts(value) : text.length > 240 ? h("details", {}, h("summary", { text: `${text.length} characters` }), h("pre", { text })) : h("code", { text });
    return [h("dt", { text: label(name) }), h("dd", {}, shown)];
  }));
}

const empty = (value) => value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length) || (typeof value === "object" && !Array.isArray(value) && !Object.keys(value).length);
