// One run on the page: its events as they come and its document when it ends; taken up again when somebody resumes it.

import { get } from "./api.js";
import { ENDED } from "./controls.js";
import { lineOf, lookNow, onStates } from "./states.js";
import { follow } from "./stream.js";
import { complain } from "./toasts.js";

/** `onEvent(event)` in order, each once; `onRun(detail)` at the start and at the end; `onState(state)` on any change.
 *  `skipLog`: of a run that has ended only the document is read. Gives { leave, look }. */
export function watchRun(runId, { onEvent, onRun, onState, skipLog = false }) {
  let last = 0;
  let state = "";
  let leaveStream = null;
  let left = false;

  const tell = (next) => {
    if (next === state) return;
    state = next;
    onState(next);
  };

  const read = () => {
    if (leaveStream || left) return;
    leaveStream = follow(runId, {
      after: last,
      onEvent: (event) => { last = event.seq; onEvent(event); },
      onEnd: async (error) => {
        leaveStream = null;
        const live = state !== "" && !ENDED.has(state);
        if (error) complain(error);
        else await look();
        if (live) lookNow(); // the list beside the page knows it at once
      },
    });
  };

  async function look() {
    if (left) return;
    try {
      const run = await get(`runs/${runId}`);
      onRun(run);
      const ended = ENDED.has(run.state);
      const toRead = !(ended && (skipLog || run.n_events <= last));
      if (toRead) read();
      if (!(ended && toRead)) tell(run.state); // the end is told when the log was read to it
    } catch (error) {
      complain(error);
    }
  }

  const forget = onStates(() => {
    const line = lineOf(runId);
    if (!line || left) return;
    if (ENDED.has(line.state) && !ENDED.has(state)) { look(); return; }
    if (state && !ENDED.has(line.state)) read(); // somebody resumed it, or its line was lost
    tell(line.state);
  });

  look();
  return {
    look: lookNow,
    leave() {
      left = true;
      forget();
      if (leaveStream) leaveStream();
    },
  };
}
