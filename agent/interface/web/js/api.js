// The HTTP API, and nothing else, is where the page knows anything from. Errors carry the server's remedy.

const BASE = "/api/v1";
const LOGIN = "/login";

const TITLES = {
  401: "Log in first", 404: "Not found", 409: "Not possible now", 413: "Too large", 415: "Not a type that is read", 422: "Please change this",
  429: "Too many requests", 500: "The server failed", 503: "Not available now",
};

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the server answered ${status}`);
    this.status = status;
    this.title = TITLES[status] || problem.title || "The server refused";
    this.remedy = problem.remedy || "";
  }
}

/** fetch() below the API's base, with errors as ApiError. A server with a token gives the page a cookie at its login. */
export async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? path : `${BASE}/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {
      title: "The server cannot be reached", detail: "No answer from the server.",
      remedy: "Runs go on without this page. Start `organon serve` again if it was ended; the page reconnects by itself.",
    });
  }
  if (answer.status === 401) location.assign(LOGIN);
  if (!answer.ok) throw new ApiError(answer.status, await problemOf(answer));
  return answer;
}

async function problemOf(answer) {
  const text = await answer.text();
  try {
    const problem = JSON.parse(text);
    if (Array.isArray(problem.detail)) problem.detail = problem.detail.map((part) => `${(part.loc || []).join(".")}: ${part.msg}`).join("; ");
    return problem;
  } catch {
    return { title: `The server answered ${answer.status}`, detail: text.slice(0, 300) };
  }
}

export async function get(path, options) {
  return (await call(path, options)).json();
}

export async function post(path, body) {
  const answer = await call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** One file into a conversation (a new one where there is none yet): {thread_id, item}. */
export async function upload(file, threadId) {
  const form = new FormData();
  form.append("file", file, file.name);
  const query = threadId ? `?thread_id=${encodeURIComponent(threadId)}` : "";
  return (await call(`files${query}`, { method: "POST", body: form })).json();
}

export const text = async (path) => (await call(path)).text();

/** Saves what a route gives, under `name`. */
export async function download(path, name) {
  saveBlob(await (await call(path)).blob(), name);
}

export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 30000);
}

export const address = (path) => `${BASE}/${path}`;
