// A run's event log as it grows: server-sent events, read with fetch, which tells why a line was refused. A lost line is
// taken up again after the last event seen. A hidden page gives its lines back (browsers allow six to a server, over all
// tabs) and catches up when it is looked at again.

import { call, ApiError } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

/** Calls `onEvent` for each event after `after`, in order, once; `onEnd` when the server ended the log. Returns a
 *  function that leaves. */
export function follow(runId, { after, onEvent, onEnd }) {
  let last = after;
  let left = false;
  let abort = null;
  let wait = FIRST_WAIT_MS;

  const take = (event) => {
    if (event.seq <= last) return;
    last = event.seq;
    onEvent(event);
  };

  const read = async () => {
    abort = new AbortController();
    const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": String(last) } : {}) };
    const answer = await call(`runs/${runId}/events?after=${last}`, { headers, signal: abort.signal, cache: "no-store" });
    wait = FIRST_WAIT_MS;
    let rest = "";
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
        if (!data || left) continue;
        const event = JSON.parse(data);
        if (event.type) take(event);
      }
    }
  };

  const run = async () => {
    while (!left) {
      if (document.hidden) { await shown(); continue; }
      try {
        await read();
        if (!left) { await onEnd(); return; }
      } catch (error) {
        if (left) return;
        if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) { onEnd(error); return; }
      }
      if (left) return;
      if (!document.hidden) await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
  };

  const hide = () => { if (document.hidden && abort) abort.abort(); };
  document.addEventListener("visibilitychange", hide);
  run();
  return () => {
    left = true;
    document.removeEventListener("visibilitychange", hide);
    if (abort) abort.abort();
  };
}

const shown = () => new Promise((resolve) => {
  const look = () => {
    if (document.hidden) return;
    document.removeEventListener("visibilitychange", look);
    resolve();
  };
  document.addEventListener("visibilitychange", look);
  look();
});

