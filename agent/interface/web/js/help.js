// The keys, in a dialog under "?", and what they do.

import { h } from "./dom.js";

export const KEYS = [
  ["/", "Write a message"], ["Enter", "Send it"], ["Shift+Enter", "Begin a new line"], ["n", "New conversation"], ["s", "Search conversations and runs"],
  ["j, k", "Next, previous turn"], ["e", "To the end"], ["d", "Light or dark"], ["Esc", "Close details, leave the field"], ["?", "This list"],
];

let dialog = null;

export function showHelp() {
  dialog ||= build();
  if (!dialog.open) dialog.showModal();
}

function build() {
  const made = h("dialog", { class: "help", aria: { label: "Keys and help" } },
    h("h2", { text: "Keys" }),
    h("dl", {}, KEYS.map(([key, what]) => [h("dt", {}, key.split(", ").map((one) => [h("kbd", { text: one }), " "])), h("dd", { text: what })])),
    h("p", { class: "fine" }, "Everything this page does goes through the HTTP API: ", h("a", { href: "/api/docs", target: "_blank", rel: "noopener", text: "its documentation" }), ". Numbers with a dotted line tell where they come from."),
    h("form", { method: "dialog" }, h("button", { class: "button", text: "Close" })));
  made.addEventListener("click", (event) => { if (event.target === made) made.close(); });
  document.body.append(made);
  return made;
}

/** Single keys act unless something is being written. `does`: key -> function. */
export function listenToKeys(does) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = event.target;
    const writing = at instanceof HTMLElement && (at.isContentEditable || at.matches("input:not([type=checkbox]), textarea, select"));
    if (event.key === "Escape") { does.Escape?.(event); return; }
    if (writing || document.querySelector("dialog[open]")) return;
    const act = does[event.key];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}
