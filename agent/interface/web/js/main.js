// Puts the page together: which conversation or run is shown (the address says), and what its parts ask of each other.

import { get } from "./api.js";
import { comparisonView } from "./compare.js";
import { composerView } from "./composer.js";
import { isBusy } from "./controls.js";
import { announce, h, iconButton, put } from "./dom.js";
import { ago, plural } from "./format.js";
import { listenToKeys, showHelp } from "./help.js";
import { closeInspector } from "./inspector.js";
import { itemOffers, moleculeOffers } from "./offers.js";
import { sidebarView } from "./sidebar.js";
import { isLive, lookNow, onStates } from "./states.js";
import { aloneCampaign, threadView } from "./thread.js";
import { switchTheme } from "./theme.js";
import { attempt, complain, toast } from "./toasts.js";
import { loadActions, topbarView } from "./topbar.js";
import { turnView } from "./turn.js";
import { welcome } from "./welcome.js";

const main = document.getElementById("main");
const banner = document.getElementById("banner");
let view = null;
let actions = null;
let composer = null;
let forgetBanner = () => {};
const startedHere = new Set();

const page = {
  attempt,
  threadId: () => (view && view.id) || null,
  current: () => location.hash,
  compose: (text) => composer.write(text),
  actionSchema: async (name) => (await (actions ||= loadActions()))[name],
  running: () => (view && view.running ? view.running() : null),
  openRun: (runId) => { location.hash = `#/run/${runId}`; },
  newThread() {
    closeSidebar();
    if (location.hash !== "#/") history.pushState(null, "", "#/");
    show(true);
    composer.focus();
  },
  openThread: async (threadId, options) => { await showThread(threadId, options); },
  titled: (text) => topbar.title(text),
  uploaded: (item) => { if (view && view.items) view.items.set(item.handle, item); sidebar.load(); },
  started,
  turnsChanged(turns) { composer.busy(turns.some((turn) => isBusy(turn.state()))); },
  reattached(live) {
    const first = live[0];
    if (live.every((line) => startedHere.has(line.run_id))) return;
    watchBanner(live);
    showBanner(h("span", {}, h("b", { text: live.length > 1 ? `${plural(live.length, "run")} still going. ` : first.state === "waiting_approval" ? "This run waits for you. " : "This run is still going. " }), `Started ${ago(first.created)}; you see it live, and closing the page does not end it.`));
  },
  announceBelow: () => toast("A question needs your answer", "It stands at the end of the conversation."),
  openSidebar: () => { document.body.classList.add("listing"); document.getElementById("veil").hidden = false; document.querySelector("#sidebar .button.new").focus(); },
  closeSidebar,
  help: showHelp,
};
page.moleculeOffers = moleculeOffers(page);
page.itemOffers = itemOffers(page);

function closeSidebar() {
  document.body.classList.remove("listing");
  document.getElementById("veil").hidden = true;
}

/** The message goes when what it tells of has ended. */
function watchBanner(live) {
  forgetBanner();
  forgetBanner = onStates((lines) => {
    if (live.some((line) => isLive(lines.find((found) => found.run_id === line.run_id) || line))) return;
    forgetBanner();
    put(banner);
  });
}

function showBanner(words, action = null) {
  put(banner, h("div", { class: "banner", role: "status" }, h("span", { class: "dot pulse", aria: { hidden: "true" } }), words, action, iconButton("close", "Close this message", () => put(banner))));
}

/** A run was started here: show it, in the conversation it belongs to. */
async function started({ run_id, thread_id }) {
  startedHere.add(run_id);
  if (thread_id && thread_id !== page.threadId()) await showThread(thread_id);
  await view.ready;
  await lookNow();
  if (view.add) {
    try { const run = await get(`runs/${run_id}`); view.add(run); } catch (error) { complain(error); }
    view.toEnd();
  }
  sidebar.load();
}

function leave() {
  if (view) view.leave();
  view = null;
  closeInspector();
  forgetBanner();
  put(banner);
  composer.busy(false);
}

async function showThread(threadId, { keepComposer = false } = {}) {
  leave();
  view = threadView(threadId, page);
  put(main, view.element);
  const hash = `#/thread/${threadId}`;
  if (location.hash !== hash) history.pushState(null, "", hash);
  shownHash = hash;
  composer.turnTo({ keepComposer });
  sidebar.draw();
  await view.ready;
}

async function showRun(runId) {
  leave();
  const run = await attempt(() => get(`runs/${runId}`));
  if (!run) { put(main, h("div", { class: "thread" }, h("p", { class: "none missing", text: "This run cannot be opened." }))); return; }
  if (run.kind === "chat" && run.thread_id) { location.replace(`#/thread/${run.thread_id}`); return; }
  const alone = { items: new Map(), claim() {}, caughtUp() {} };
  const offers = { ...page, changed: () => {}, grown: () => {}, nudge: () => {} };
  const turn = ["campaign", "demo"].includes(run.kind) ? aloneCampaign(run, offers) : turnView(run, alone, offers);
  view = { leave: turn.leave, id: run.thread_id || null, running: () => null, ready: Promise.resolve(), toEnd() {} };
  put(main, h("div", { class: "thread" }, run.thread_id ? h("p", { class: "fine" }, h("a", { href: `#/thread/${run.thread_id}`, text: "To its conversation" })) : null, turn.element));
  page.titled(run.name);
  if (isLive(run)) page.reattached([run]);
  composer.turnTo();
  sidebar.draw();
}

function showComparison(a, b) {
  leave();
  view = { ...comparisonView(a, b, page), id: null, running: () => null, ready: Promise.resolve(), toEnd() {} };
  put(main, view.element);
  main.scrollTop = 0;
  main.focus();
  page.titled("Two campaigns compared");
  composer.turnTo();
  sidebar.draw();
}

function showWelcome() {
  leave();
  put(main, welcome(page));
  page.titled("");
  composer.turnTo();
  sidebar.draw();
  offerLive();
}

/** On the empty page: what goes on elsewhere. */
function offerLive() {
  const forget = onStates((lines) => {
    forget();
    if (view) return;
    const live = lines.filter(isLive).filter((line) => line.kind !== "campaign" || !line.thread_id);
    if (!live.length) return;
    const newest = live[0];
    showBanner(h("span", {}, h("b", { text: `${plural(live.length, "run")} still going. ` }), newest.name),
      h("a", { class: "button small", href: newest.thread_id ? `#/thread/${newest.thread_id}` : `#/run/${newest.run_id}`, text: "Show it" }));
  });
  lookNow();
}

let shownHash = null;

/** Show what the address says. A page that already shows it is left alone. */
function show(again = false) {
  if (location.hash === shownHash && !again) return;
  const [, kind, id, other] = location.hash.match(/^#\/(thread|run|compare)\/([\w-]{1,64})(?:\/([\w-]{1,64}))?$/) || [];
  shownHash = location.hash;
  if (kind === "compare" && other) showComparison(id, other);
  else if (kind === "thread") showThread(id);
  else if (kind === "run") showRun(id);
  else showWelcome();
}

function step(by) {
  const turns = [...main.querySelectorAll(".turn")];
  const top = main.getBoundingClientRect().top + 20;
  const at = turns.findIndex((turn) => turn.getBoundingClientRect().bottom > top);
  const next = turns[Math.max(0, Math.min(turns.length - 1, at + by))];
  if (!next) return;
  next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "start" });
}

const topbar = topbarView(page);
composer = composerView(page);
const sidebar = sidebarView(page);
document.getElementById("veil").addEventListener("click", closeSidebar);
addEventListener("popstate", () => show());
addEventListener("hashchange", () => show());
listenToKeys({
  "/": () => composer.focus(), n: () => page.newThread(), d: switchTheme, "?": showHelp, j: () => step(1), k: () => step(-1),
  e: () => { main.scrollTop = main.scrollHeight; }, s: () => { page.openSidebar(); sidebar.focusSearch(); },
  Escape() { if (document.body.classList.contains("listing")) closeSidebar(); else closeInspector(); },
});
addEventListener("unhandledrejection", (event) => complain(event.reason || new Error("unknown")));
show();
lookNow();
document.documentElement.dataset.ready = "true";
performance.mark("organon-usable");
announce("Organon is ready");
