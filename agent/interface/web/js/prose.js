// An answer's text: the little Markdown that assistants write (paragraphs, lists, tables, bold, code), as elements.
// Text from documents and models can hold anything; only text nodes are made of it. Addresses become links where they
// are https; [n] becomes a mark of citation n, and the handle of a thing of the conversation (M3) opens it.

import { h } from "./dom.js";

/** `cite(n)` gives the element of citation n, `name(handle)` that of a thing; null where there is none. */
export function prose(text, cite = () => null, name = () => null) {
  const marks = { cite, name };
  const out = [];
  const lines = text.replaceAll("\r", "").split("\n");
  for (let at = 0; at < lines.length;) {
    const take = (test) => {
      const from = at;
      while (at < lines.length && test(lines[at])) at += 1;
      return lines.slice(from, at);
    };
    const line = lines[at];
    if (!line.trim()) { at += 1; continue; }
    if (line.startsWith("```")) {
      at += 1;
      const code = take((next) => !next.startsWith("```"));
      at += 1;
      out.push(h("pre", {}, h("code", { text: code.join("\n") })));
    } else if (/^#{1,6} /.test(line)) {
      at += 1;
      out.push(h("h4", {}, inline(line.replace(/^#+ /, ""), marks)));
    } else if (isBullet(line)) {
      out.push(h("ul", {}, items(take((next) => isBullet(next) || /^\s{2,}\S/.test(next)), /^\s*[-*•] /, marks)));
    } else if (isNumbered(line)) {
      out.push(h("ol", { start: parseInt(line.trim(), 10) }, items(take((next) => isNumbered(next) || /^\s{2,}\S/.test(next)), /^\s*\d+[.)] /, marks)));
    } else if (isRow(line) && at + 1 < lines.length && /^\s*\|[\s:|-]+\|\s*$/.test(lines[at + 1])) {
      out.push(table(take(isRow), marks));
    } else {
      const paragraph = take((next) => next.trim() && !next.startsWith("```") && !/^#{1,6} /.test(next) && !isBullet(next) && !isNumbered(next));
      if (!paragraph.length) paragraph.push(lines[at++]);
      out.push(h("p", {}, inline(paragraph.join("\n"), marks)));
    }
  }
  return out;
}

const isBullet = (line) => /^\s*[-*•] \S/.test(line);
const isNumbered = (line) => /^\s*\d{1,3}[.)] \S/.test(line);
const isRow = (line) => /^\s*\|.*\|\s*$/.test(line);

function items(lines, mark, marks) {
  const entries = [];
  for (const line of lines) {
    if (mark.test(line)) entries.push(line.replace(mark, ""));
    else entries[entries.length - 1] += `\n${line.trim()}`;
  }
  return entries.map((entry) => h("li", {}, inline(entry, marks)));
}

function table(lines, marks) {
  const cells = (line) => line.trim().slice(1, -1).split("|").map((cell) => cell.trim());
  const [head, , ...rows] = lines;
  return h("div", { class: "scroll" }, h("table", { class: "data" },
    h("thead", {}, h("tr", {}, cells(head).map((cell) => h("th", { scope: "col" }, inline(cell, marks))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, cells(row).map((cell) => h("td", {}, inline(cell, marks))))))));
}

const INLINE = /(`[^`\n]+`)|(\*\*[^*\n]+\*\*)|(\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\])|(https:\/\/[^\s<>"'`)\]]+)|(?<![\w:=#@\-])(?<!\w\()([MPKTRSXACDF][1-9]\d{0,3})(?![\w=#(@[\]])/g;

function inline(text, marks) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    out.push(text.slice(from, match.index));
    from = match.index + match[0].length;
    out.push(piece(match[0], marks));
  }
  out.push(text.slice(from));
  return out.flat();
}

function piece(found, { cite, name }) {
  if (found.startsWith("`")) return h("code", { text: found.slice(1, -1) });
  if (found.startsWith("**")) return h("strong", {}, inline(found.slice(2, -2), { cite, name }));
  if (found.startsWith("https:")) {
    const [, target, tail] = found.match(/^(.*?)([.,;:!?]*)$/);
    return [h("a", { href: target, target: "_blank", rel: "noopener noreferrer", text: target }), tail];
  }
  if (!found.startsWith("[")) return name(found) || found;
  const marks = found.slice(1, -1).split(/[,;]/).map((n) => cite(Number(n)));
  return marks.every(Boolean) ? marks : found;
}
