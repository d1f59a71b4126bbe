/** The hub's HTTP API for the web chat, and the one place that knows the visitor's token. */
import type { Memory } from "./storage";
import type { Language, Session } from "./types";

/** A call that did not succeed. `status` 0: the hub was not reached. `retryAfter` is in ms, `field` what the hub minds. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message = "",
    readonly retryAfter = 0,
    readonly field?: string | null,
  ) {
    super(message);
  }

  /** The hub has understood and says no: the same again cannot help. */
  get refused(): boolean {
    return this.status >= 400 && this.status < 500 && ![401, 408, 429].includes(this.status);
  }
}

/** The hub's own words for a refusal; empty where it never got to say any. */
export function reason(error: unknown): string {
  return error instanceof Failure && error.refused ? error.message : "";
}

export interface Hub {
  /** Says who is signed in at the shop; counts from the next session on. */
  identify(identity: string | null): void;
  /** Opens or resumes the visit. Raises `Failure`. */
  session(language: Language): Promise<Session>;
  /** A token for one socket handshake. They live for a minute, so that each is used once and the next one fetched. */
  socketToken(): Promise<string>;
  /** GETs, or POSTs a body, within the visit; renews the visit when its token has run out. Raises `Failure`. */
  call<Answer>(path: string, body?: object): Promise<Answer>;
}

export interface HubOptions {
  inbox: string;
  /** Of the shop's page. */
  origin: string;
  memory: Memory;
  fetch: typeof globalThis.fetch;
  onIdentityRefused: () => void;
}

/** Where the visitor's token is remembered. */
export const TOKEN = "token";
const TIMEOUT = 15_000;
const UPLOAD_TIMEOUT = 120_000;

export function createHub({ inbox, origin, memory, fetch, onIdentityRefused }: HubOptions): Hub {
  let identity_token: string | null = null;
  let socketToken: string | undefined;
  let spoken: Language = "en";

  async function request<Answer>(path: string, body?: object): Promise<Answer> {
    const upload = body instanceof FormData;
    const headers: Record<string, string> = {};
    const token = memory.get(TOKEN);
    if (token && path !== "session") headers.authorization = `Bearer ${token}`;
    if (body && !upload) headers["content-type"] = "application/json";
    let response: Response;
    try {
      response = await fetch(`/widget/v1/${path}`, {
        method: body ? "POST" : "GET",
        headers,
        body: upload ? body : body ? JSON.stringify(body) : null,
        credentials: "omit",
        signal: AbortSignal.timeout(upload ? UPLOAD_TIMEOUT : TIMEOUT),
      });
      if (response.ok) return (await response.json()) as Answer;
    } catch {
      throw new Failure(0);
    }
    const { message, field } = (await response.json().catch(() => ({}))) as { message?: string; field?: string | null };
    throw new Failure(response.status, message, Number(response.headers.get("retry-after")) * 1000 || 0, field);
  }

  async function session(language: Language): Promise<Session> {
    const visitor_token = memory.get(TOKEN);
    spoken = language;
    try {
      const opened = await request<Session>("session", { inbox, origin, language, visitor_token, identity_token });
      memory.set(TOKEN, opened.visitor_token);
      socketToken = opened.socket_token;
      return opened;
    } catch (error) {
      if (!expired(error) || !(identity_token ?? visitor_token)) throw error;
      // One of the two tokens is not taken any more. The shop's is dropped first: a bad one must not cost the visit.
      if (identity_token) {
        identity_token = null;
        onIdentityRefused();
      } else memory.set(TOKEN, null);
      return session(language);
    }
  }

  return {
    identify(identity) {
      identity_token = identity;
    },
    session,
    async socketToken() {
      const token = socketToken ?? (await session(spoken)).socket_token;
      socketToken = undefined;
      return token;
    },
    async call(path, body) {
      try {
        return await request(path, body);
      } catch (error) {
        if (!expired(error)) throw error;
        await session(spoken);
        return request(path, body);
      }
    },
  };
}

function expired(error: unknown): boolean {
  return error instanceof Failure && error.status === 401;
}
