// Where a request is written: a field that grows, files by button, by dropping and by pasting, Enter to send. What was
// begun is kept per conversation until it is sent.

import { post, upload } from "./api.js";
import { announce, h, icon, iconButton, put } from "./dom.js";
import { bytes } from "./format.js";
import { attempt, complain, toast } from "./toasts.js";

const ACCEPTED = ".pdb,.cif,.ent,.sdf,.mol,.mol2,.smi,.csv,.tsv,.pdf,.txt,.md,.bib,.fasta,.fa,.yaml,.yml";

/** `page`: { threadId(), started({run_id, thread_id}), openThread(id), running() }. */
export function composerView(page) {
  const files = [];
  const field = h("textarea", {
    id: "compose-text", rows: 1, placeholder: "Ask, or drop a file", autocomplete: "off", maxLength: 20000,
    aria: { label: "Message", describedby: "compose-hint" }, on: { input: () => { grow(); keep(); enable(); }, keydown, paste },
  });
  const picker = h("input", { type: "file", multiple: true, accept: ACCEPTED, hidden: true, on: { change: () => { take(picker.files); picker.value = ""; } } });
  const attached = h("ul", { class: "attachments", aria: { label: "Attached files" } });
  const send = h("button", { type: "submit", class: "send", title: "Send (Enter)", aria: { label: "Send" } }, icon("send"));
  const stop = h("button", { type: "button", class: "send stop", title: "Stop this turn", aria: { label: "Stop this turn" }, hidden: true, on: { click: stopTurn } }, icon("stop"));
  const form = h("form", { on: { submit: (event) => { event.preventDefault(); submit(); } } },
    attached, h("div", { class: "line" }, iconButton("clip", "Attach PDB, SDF, CSV or PDF", () => picker.click()), field, stop, send), picker);
  const hint = h("p", { id: "compose-hint", class: "fine hint" }, h("kbd", { text: "Enter" }), " sends, ", h("kbd", { text: "Shift" }), "+", h("kbd", { text: "Enter" }), " begins a line, ", h("kbd", { text: "?" }), " lists the keys. Drop PDB, SDF, CSV or PDF files anywhere.");
  put(document.getElementById("composer"), form, hint);
  let sending = false;

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.4)}px`;
  }

  function enable() { send.disabled = sending || !field.value.trim() || files.some((file) => !file.handle); }

  const draftKey = () => `organon-draft-${page.threadId() || "new"}`;
  function keep() { try { sessionStorage.setItem(draftKey(), field.value); } catch { /* storage is off */ } }
  function recall() { try { return sessionStorage.getItem(draftKey()) || ""; } catch { return ""; } }

  function keydown(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") field.blur();
  }

  function paste(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  }

  async function take(given) {
    const entries = [...given].map((file) => ({ file, name: file.name, size: file.size, handle: "" })); // the list itself is emptied
    files.push(...entries);
    drawFiles();
    for (const entry of entries) {
      if (!files.includes(entry)) continue;
      try {
        const kept = await upload(entry.file, page.threadId());
        entry.handle = kept.item.handle;
        if (!page.threadId()) await page.openThread(kept.thread_id, { keepComposer: true });
        page.uploaded(kept.item);
        announce(`${entry.name} is attached as ${entry.handle}`);
      } catch (error) {
        leaveOut(entry);
        complain(error);
      }
      drawFiles();
    }
    field.focus();
  }

  function leaveOut(entry) {
    if (files.includes(entry)) files.splice(files.indexOf(entry), 1);
    drawFiles();
  }

  function drawFiles() {
    put(attached, files.map((file) => h("li", {}, file.handle ? h("span", { class: "handle", text: file.handle }) : h("span", { class: "tag live pulse", text: "sending" }), h("span", { class: "name", text: file.name }), h("span", { class: "fine", text: bytes(file.size) }),
      iconButton("close", `Leave out ${file.name}`, () => leaveOut(file)))));
    enable();
  }

  async function submit() {
    const message = field.value.trim();
    if (!message || sending || files.some((file) => !file.handle)) return;
    if (page.running()) { toast("This conversation still works on the last request", "Wait for it, stop it, or begin a new conversation: it runs beside this one."); return; }
    sending = true;
    enable();
    const body = { kind: "chat", message, ...(page.threadId() ? { thread_id: page.threadId() } : {}), ...(files.length ? { attachments: files.map((file) => file.handle) } : {}) };
    const started = await attempt(() => post("runs", body));
    sending = false;
    if (started) {
      field.value = "";
      keep();
      files.length = 0;
      drawFiles();
      grow();
      page.started(started);
    }
    enable();
  }

  function stopTurn() {
    const turn = page.running();
    if (turn) attempt(async () => { await post(`runs/${turn.runId}/stop`); announce("Stopping"); turn.noted("stop"); }, stop);
  }

  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => { if (carries(event)) { depth += 1; document.body.classList.add("dropping"); } });
  addEventListener("dragleave", (event) => { if (carries(event)) { depth = Math.max(0, depth - 1); if (!depth) document.body.classList.remove("dropping"); } });
  addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dropping");
    take(event.dataTransfer.files);
  });
  addEventListener("resize", grow);
  enable();

  return {
    /** Put a request into the field, to be read and sent. */
    write(text) {
      field.value = text;
      field.focus();
      field.setSelectionRange(text.length, text.length);
      grow();
      keep();
      enable();
    },
    focus: () => field.focus(),
    /** Another conversation: its own draft; files belong to the one they were given to. */
    turnTo({ keepComposer = false } = {}) {
      if (keepComposer) { keep(); return; }
      files.length = 0;
      drawFiles();
      field.value = recall();
      grow();
      enable();
    },
    busy(is) { stop.hidden = !is; send.hidden = is; },
  };
}
