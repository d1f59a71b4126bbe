import type { Problem } from "@centralita/shared/api";

/** An answer other than 2xx, or none at all (`status` 0, `error_id` "network"). */
export class HubError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.message);
  }

  get id(): string {
    return this.problem.error_id;
  }
}

export const API = "/api/v1";
let csrfToken = "";
let onSignedOut = (): void => undefined;

/** Goes with every request that changes something. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Called when the hub no longer knows the session. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

export function csrfHeader(): Record<string, string> {
  return { "X-CSRF-Token": csrfToken };
}

export function networkError(): HubError {
  return new HubError(0, { error_id: "network", message: "no connection", field: null, rule: null });
}

/** Reads an error answer; proxies in between answer in HTML. */
export function errorOf(status: number, body: string): HubError {
  if (status === 401) onSignedOut();
  try {
    const problem = JSON.parse(body) as Partial<Problem>;
    if (typeof problem.error_id === "string") {
      return new HubError(status, { message: "", field: null, rule: null, ...problem, error_id: problem.error_id });
    }
  } catch {
    // Not ours: said below.
  }
  const id = status === 502 || status === 503 || status === 504 ? "unavailable" : "unexpected";
  return new HubError(status, { error_id: id, message: body.slice(0, 200), field: null, rule: null });
}

type Query = Record<string, string | number | null | undefined>;

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return API + path + (text ? `?${text}` : "");
}

async function call<Answer>(method: string, path: string, init: RequestInit, query?: Query): Promise<Answer> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(address(path, query), { method, credentials: "same-origin", ...init });
    body = await response.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw networkError();
  }
  if (!response.ok) throw errorOf(response.status, body);
  return JSON.parse(body) as Answer;
}

export function read<Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer> {
  return call("GET", path, signal ? { signal } : {}, query);
}

export function change<Answer>(method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<Answer> {
  return call(method, path, {
    headers: { "Content-Type": "application/json", ...csrfHeader() },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
