import type { paths, Problem } from "@centralita/shared/api";
import createClient from "openapi-fetch";

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

let csrfToken = "";
let onSignedOut = (): void => undefined;

/** Goes with every request that changes something. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

export function csrfHeader(): [name: string, value: string] {
  return ["X-CSRF-Token", csrfToken];
}

/** Called when the hub no longer knows the session. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

export function networkError(): HubError {
  return new HubError(0, { error_id: "network", message: "no connection", field: null, rule: null });
}

function isProblem(answer: unknown): answer is Problem {
  return typeof answer === "object" && answer !== null && "error_id" in answer;
}

/** The error that an answer stands for. `answer` is the hub's `Problem`, or whatever a proxy in between wrote. */
export function errorOf(status: number, answer: unknown): HubError {
  if (status === 401) onSignedOut();
  if (isProblem(answer)) return new HubError(status, answer);
  const id = status === 502 || status === 503 || status === 504 ? "unavailable" : "unexpected";
  return new HubError(status, { error_id: id, message: `HTTP ${status}`, field: null, rule: null });
}

/** Knows every path of the OpenAPI document: a call that the hub does not take does not compile. */
export const api = createClient<paths>({ credentials: "same-origin" });

api.use({
  onRequest: ({ request }) => {
    if (request.method !== "GET") request.headers.set(...csrfHeader());
  },
  onError: ({ error }) => (error instanceof DOMException && error.name === "AbortError" ? undefined : networkError()),
});

/** What a call brought. Raises HubError. */
export async function answerOf<Answer>(
  call: Promise<{ data?: Answer; error?: unknown; response: Response }>,
): Promise<Answer> {
  const { data, error, response } = await call;
  if (!response.ok) throw errorOf(response.status, error);
  return data as Answer;
}
