// Conversations and the runs outside of them, newest first, with a search and a mark on what goes on.

import { get } from "./api.js";
import { ENDED } from "./controls.js";
import { h, icon, iconButton, put } from "./dom.js";
import { ago, clip } from "./format.js";
import { onStates, runLines } from "./states.js";

const STATE_WORDS = { queued: "waiting", running: "running", paused: "paused", waiting_approval: "waits for you" };

/** `page`: { openThread(id), openRun(id), newThread(), current() }. */
export function sidebarView(page) {
  let threads = [];
  const find = h("input", { type: "search", class: "field", id: "session-search", placeholder: "Search", aria: { label: "Search conversations and runs" }, on: { input: draw } });
  const entries = h("nav", { class: "entries", aria: { label: "Conversations" } });
  put(document.getElementById("sidebar"),
    h("header", { class: "row" }, h("a", { class: "brand", href: "#/", on: { click: (event) => { event.preventDefault(); page.newThread(); } } }, "Organon"), iconButton("close", "Close the list", page.closeSidebar, { className: "icon only-narrow push" })),
    h("button", { type: "button", class: "button new", on: { click: page.newThread } }, icon("plus"), "New conversation"),
    h("label", { class: "search" }, icon("search"), find), entries);

  async function load() {
    try { threads = await get("threads?limit=200"); } catch { return; }
    draw();
  }

  function draw() {
    const words = find.value.trim().toLowerCase();
    const lines = runLines();
    const byThread = new Map();
    for (const line of lines) if (line.thread_id && !ENDED.has(line.state)) byThread.set(line.thread_id, line.state);
    const known = new Set(threads.map((thread) => thread.thread_id));
    const alone = lines.filter((line) => !line.thread_id || !known.has(line.thread_id)).filter((line) => line.kind !== "chat");
    const has = (text) => !words || text.toLowerCase().includes(words);
    const shownThreads = threads.filter((thread) => has(`${thread.title} ${thread.thread_id}`));
    const shownRuns = alone.filter((line) => has(`${line.name} ${line.kind} ${line.run_id}`));
    const active = document.activeElement?.dataset?.to;
    put(entries,
      shownThreads.length ? h("ul", {}, shownThreads.map((thread) => entry(`#/thread/${thread.thread_id}`, thread.title || "Untitled", ago(thread.updated), byThread.get(thread.thread_id)))) : null,
      shownRuns.length ? [h("h2", { text: "Other runs" }), h("ul", {}, shownRuns.map((line) => entry(`#/run/${line.run_id}`, line.name, `${line.kind}, ${ago(line.updated)}`, ENDED.has(line.state) ? "" : line.state)))] : null,
      !shownThreads.length && !shownRuns.length ? h("p", { class: "fine nothing", text: words ? "Nothing matches." : "Nothing yet: what you ask is kept here." }) : null);
    if (active) [...entries.querySelectorAll("a")].find((link) => link.dataset.to === active)?.focus();
  }

  const entry = (to, title, note, state) => h("li", {}, h("a", { href: to, data: { to }, aria: { current: page.current() === to ? "page" : null }, on: { click: page.closeSidebar } },
    h("span", { class: "title", text: clip(title, 80) }), h("span", { class: "note" }, state ? h("span", { class: `tag ${state === "running" ? "live" : "warn"}`, text: STATE_WORDS[state] || state }) : note)));

  let seen = "";
  onStates((lines) => {
    const now = lines.map((line) => `${line.run_id}${line.state}${line.thread_id}`).join();
    if (now === seen) return;
    seen = now;
    load();
  });
  load();
  return { draw, load, focusSearch: () => find.focus() };
}
