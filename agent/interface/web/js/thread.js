// A conversation: its turns in order, each following its own log, and the things that have a handle in it.

import { get } from "./api.js";
import { campaignPanel } from "./campaign.js";
import { isBusy } from "./controls.js";
import { h, put } from "./dom.js";
import { plural } from "./format.js";
import { isLive, onStates, runLines } from "./states.js";
import { attempt } from "./toasts.js";
import { turnView } from "./turn.js";

const BOTTOM_PIXELS = 140;
const SIBLING = 6; // a run that a step started has the first letters of its parent's id

/** { element, leave, add(line), turns, items, id }. */
export function threadView(threadId, page) {
  const main = document.getElementById("main");
  const list = h("div", { class: "turns" });
  const element = h("div", { class: "thread" }, list);
  const thread = { id: threadId, items: new Map(), claim, caughtUp, title: "" };
  const turns = new Map();
  const claimed = new Set();
  const orphans = new Map();
  let following = true;
  let left = false;
  let opened = false;

  const offers = { ...page, changed, grown, nudge: (card) => setTimeout(() => { if (card.isConnected && card.getBoundingClientRect().top > main.getBoundingClientRect().bottom) page.announceBelow(); }, 400) };

  function atBottom() { return main.scrollHeight - main.scrollTop - main.clientHeight < BOTTOM_PIXELS; }
  const onScroll = () => { following = atBottom(); };
  main.addEventListener("scroll", onScroll, { passive: true });

  const size = new ResizeObserver(() => grown());
  size.observe(list);

  function grown() { if (following) main.scrollTop = main.scrollHeight; }

  function changed() { page.turnsChanged([...turns.values()]); }

  /** A run that a step of a turn started is shown inside that turn, not beside it. */
  function claim(runId) {
    claimed.add(runId);
    orphans.delete(runId);
    const held = turns.get(runId);
    if (!held) return;
    held.leave();
    held.element.remove();
    turns.delete(runId);
  }

  function caughtUp(parent) {
    for (const [runId, line] of orphans) {
      if (line.parents.delete(parent) && !line.parents.size) { orphans.delete(runId); add(line, true); }
    }
  }

  function add(line, sure = false) {
    if (turns.has(line.run_id) || claimed.has(line.run_id) || left) return;
    if (line.kind === "campaign" && !sure) {
      const parents = [...turns.values()].filter((turn) => turn.kind !== "campaign" && turn.runId.slice(0, SIBLING) === line.run_id.slice(0, SIBLING)).map((turn) => turn.runId);
      if (parents.length) { orphans.set(line.run_id, { ...line, parents: new Set(parents) }); return; }
    }
    const view = ["campaign", "demo"].includes(line.kind) ? aloneCampaign(line, offers) : turnView(line, thread, offers);
    view.kind = line.kind;
    turns.set(line.run_id, view);
    const next = [...turns.keys()].filter((id) => id > line.run_id).sort()[0];
    list.insertBefore(view.element, next ? turns.get(next).element : null);
    changed();
    grown();
  }

  const forget = onStates(() => {
    if (!opened) return;
    const mine = runLines().filter((line) => line.thread_id === threadId && !orphans.has(line.run_id));
    for (const line of [...mine.filter((one) => one.kind !== "campaign"), ...mine.filter((one) => one.kind === "campaign")]) add(line);
  });

  async function open() {
    const found = await attempt(() => get(`threads/${threadId}`));
    if (left) return;
    if (!found) { put(element, h("p", { class: "none missing", text: "This conversation cannot be opened." })); return; }
    thread.title = found.summary.title;
    page.titled(found.summary.title);
    for (const item of found.items) thread.items.set(item.handle, item);
    for (const line of found.runs.filter((run) => run.kind !== "campaign")) add(line);
    for (const line of found.runs.filter((run) => run.kind === "campaign")) add(line);
    opened = true;
    const live = found.runs.filter(isLive);
    if (live.length) page.reattached(live);
    if (!found.runs.length && found.items.length) put(list, h("p", { class: "fine", text: `${plural(found.items.length, "file")} uploaded: ask something about ${found.items.length > 1 ? "them" : "it"}.` }));
    requestAnimationFrame(grown);
  }

  const ready = open();
  return {
    element, turns, items: thread.items, id: threadId, add, ready,
    running: () => [...turns.values()].find((turn) => isBusy(turn.state())),
    toEnd: () => { following = true; grown(); },
    leave() {
      left = true;
      forget();
      size.disconnect();
      main.removeEventListener("scroll", onScroll);
      for (const turn of turns.values()) turn.leave();
    },
  };
}

/** A campaign that no step started: from a file, a script or another page. */
export function aloneCampaign(line, page) {
  let state = line.state;
  const panel = campaignPanel(line.run_id, { actions: page.moleculeOffers, title: line.name, onState: (next) => { state = next; page.changed(); } });
  const element = h("article", { class: "turn alone", data: { run: line.run_id, kind: line.kind } }, panel.element, h("footer", { class: "row fine" }, h("span", { text: `run ${line.run_id}` })));
  return { element, runId: line.run_id, noted: panel.noted, state: () => state, leave: panel.leave };
}
