// What went wrong, with what to do about it; stays until read when it is an error.

import { h, icon } from "./dom.js";

const PLACE = document.getElementById("toasts");

export function toast(title, text = "", { kind = "note", seconds = 6 } = {}) {
  const close = () => card.remove();
  const card = h("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status" },
    h("div", {}, h("b", { text: title }), text ? h("p", { text }) : null),
    h("button", { type: "button", class: "icon", title: "Close", aria: { label: "Close message" }, on: { click: close } }, icon("close")));
  for (const other of PLACE.children) if (other.textContent === card.textContent) other.remove();
  PLACE.append(card);
  while (PLACE.children.length > 4) PLACE.firstChild.remove();
  if (kind !== "error") setTimeout(close, seconds * 1000);
}

/** An error of the API (or any other) in words. */
export function complain(error) {
  if (error.name === "AbortError") return;
  const words = [error.message, error.remedy].filter(Boolean).join(" ");
  toast(error.title || "Something went wrong in the page", words, { kind: "error" });
}

/** Runs `work`; a fault becomes a toast. The button that asked is off meanwhile. */
export async function attempt(work, button = null) {
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    complain(error);
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}
