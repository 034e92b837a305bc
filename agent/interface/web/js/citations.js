// Numbered citations: the mark in the text, the passage on hover or focus, all of it in the side panel on click.

import { h, put } from "./dom.js";
import { inspect } from "./inspector.js";
import { showCall } from "./provenance.js";

const card = h("div", { class: "hovercard", role: "tooltip", id: "passage-card", hidden: true });
document.body.append(card);

/** The mark [n] of a citation. */
export function citationMark(citation, openRun) {
  const mark = h("button", {
    type: "button", class: "cite", text: String(citation.number),
    aria: { label: `Citation ${citation.number}: ${citation.title || citation.source}`, describedby: "passage-card" },
    on: {
      mouseenter: () => hover(mark, citation), focus: () => hover(mark, citation),
      mouseleave: leave, blur: leave, click: () => { leave(); openCitation(citation, openRun); },
      keydown: (event) => { if (event.key === "Escape") leave(); },
    },
  });
  return mark;
}

function hover(mark, citation) {
  put(card, h("b", { text: citation.title || citation.source }), h("span", { class: "fine", text: place(citation) }),
    citation.quote ? h("blockquote", { text: citation.quote }) : null);
  card.hidden = false;
  const at = mark.getBoundingClientRect();
  const width = Math.min(420, innerWidth - 24);
  card.style.width = `${width}px`;
  card.style.left = `${Math.max(12, Math.min(at.left - 20, innerWidth - width - 12))}px`;
  const above = at.top > card.offsetHeight + 16;
  card.style.top = `${above ? at.top - card.offsetHeight - 8 : at.bottom + 8}px`;
}

function leave() { card.hidden = true; }
addEventListener("scroll", leave, true);

const KINDS = { passage: "passage of a document", run: "record of a run", call: "an executed call" };
const place = (citation) => [citation.source !== citation.title ? citation.source : "", citation.locator].filter(Boolean).join(" · ") || KINDS[citation.kind];

/** The list under an answer. */
export function sourceList(citations, openRun) {
  return h("ol", { class: "sources", aria: { label: "Sources" } }, citations.map((citation) =>
    h("li", { value: citation.number }, h("span", { class: "number", text: citation.number }),
      h("button", { type: "button", class: "plain", on: { click: () => openCitation(citation, openRun) } },
        h("span", { class: "title", text: citation.title || citation.source }), " ", h("span", { class: "fine", text: place(citation) })))));
}

/** The passage with its document and page; a run or a call shows its own record. */
export function openCitation(citation, openRun) {
  if (citation.kind === "call") { showCall(citation.source); return; }
  inspect(`Citation ${citation.number}`, h("div", { class: "passage" },
    h("h3", { text: citation.title || citation.source }),
    h("p", { class: "fine", text: `${KINDS[citation.kind] || citation.kind} · ${place(citation)}` }),
    citation.quote ? h("blockquote", { text: citation.quote }) : h("p", { class: "none", text: "The passage itself was not recorded." }),
    citation.url && /^https?:/.test(citation.url) ? h("p", {}, h("a", { href: citation.url, target: "_blank", rel: "noopener noreferrer", text: "Open the source (leaves this machine)" })) : null,
    citation.kind === "run" && openRun ? h("button", { type: "button", class: "button", text: "Open the run", on: { click: () => openRun(citation.source) } }) : null));
}
