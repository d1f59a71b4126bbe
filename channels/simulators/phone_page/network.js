// Talks with the simulator: plain requests, and one long poll that brings every change of every phone.

async function answerOf(response) {
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.rule ?? body.error ?? response.status), { field: body.field });
  return body;
}

export const get = async (path) => answerOf(await fetch(path));

export const post = async (path, body) =>
  answerOf(
    await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  );

export const clear = async (path) => answerOf(await fetch(path, { method: "DELETE" }));

const PAGE = 1000;
const WAIT_SECONDS = 20;
const FIRST_PAUSE = 500; // milliseconds; twice as long after each failure
const LONGEST_PAUSE = 8000;

/** Calls `changed` with lists of what is new at a path, for ever; `reachable` says whether the simulator answers. */
export async function follow(path, list, changed, reachable) {
  let after = 0;
  let first = true;
  let pause = FIRST_PAUSE;
  for (;;) {
    try {
      const since = first ? "" : `&after=${after}&wait=${WAIT_SECONDS}`;
      const page = await get(`${path}?limit=${PAGE}${since}`);
      reachable(true);
      pause = FIRST_PAUSE;
      after = Math.max(1, page.after);
      if (first || page[list].length) changed(page[list], first);
      first = false;
    } catch {
      reachable(false);
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(LONGEST_PAUSE, 2 * pause);
    }
  }
}

/** The base64 of a file's bytes. */
export const base64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
