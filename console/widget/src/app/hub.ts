/** The hub's HTTP API for the web chat, and the one place that knows the visitor's token. */
import type { Memory } from "./storage";
import type { Accepted, Attachment, Details, FeedPage, Language, Pending, Session } from "./types";

/** A call that did not succeed. `status` 0: the hub was not reached. `retryAfter` is in milliseconds. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message = "",
    readonly retryAfter = 0,
  ) {
    super(message);
  }

  /** The hub has understood and says no: sending the same again cannot help. */
  get refused(): boolean {
    return this.status >= 400 && this.status < 500 && ![401, 408, 429].includes(this.status);
  }
}

const TOKEN = "token";

export class Hub {
  private identity: string | null = null;
  private socketToken: string | null = null;

  constructor(
    private readonly inbox: string,
    private readonly origin: string,
    private readonly memory: Memory,
    private readonly fetch: typeof globalThis.fetch,
    private readonly onIdentityRefused: () => void,
  ) {}

  identify(identity: string | null): void {
    this.identity = identity;
  }

  forget(): void {
    this.memory.set(TOKEN, null);
  }

  /** Opens or resumes the visit. A token that the hub does not take any more is dropped: the identity first, then ours. */
  async session(language: Language): Promise<Session> {
    const visitor = this.memory.get(TOKEN);
    try {
      const session = await this.call<Session>("session", {
        inbox: this.inbox,
        origin: this.origin,
        language,
        visitor_token: visitor,
        identity_token: this.identity,
      });
      this.memory.set(TOKEN, session.visitor_token);
      this.socketToken = session.socket_token;
      return session;
    } catch (error) {
      if (!(error instanceof Failure) || error.status !== 401 || !(this.identity || visitor)) throw error;
      if (this.identity) {
        this.identity = null;
        this.onIdentityRefused();
      } else this.forget();
      return this.session(language);
    }
  }

  /** A token for one socket handshake. They live for a minute, so each is used once and the next one fetched. */
  async takeSocketToken(language: Language): Promise<string> {
    const token = this.socketToken ?? (await this.session(language)).socket_token;
    this.socketToken = null;
    return token;
  }

  details(details: Details): Promise<unknown> {
    return this.call("details", details);
  }

  send(message: Pending): Promise<Accepted> {
    const { client_id, text, attachments, payload, reply_to } = message;
    return this.call("messages", { client_id, text, attachments: attachments.map(({ id }) => id), payload, reply_to });
  }

  events(after: string | null): Promise<FeedPage> {
    return this.call(`events?${new URLSearchParams(after === null ? {} : { after }).toString()}`);
  }

  seen(message_id: string, state: "delivered" | "read"): Promise<unknown> {
    return this.call("seen", { message_id, state });
  }

  upload(file: File): Promise<Attachment> {
    const form = new FormData();
    form.append("file", file);
    return this.call("attachments", form);
  }

  private async call<Answer>(path: string, body?: object): Promise<Answer> {
    const headers: Record<string, string> = {};
    const token = this.memory.get(TOKEN);
    if (token && path !== "session") headers.authorization = `Bearer ${token}`;
    if (body && !(body instanceof FormData)) headers["content-type"] = "application/json";
    let response: Response;
    try {
      response = await this.fetch(`/widget/v1/${path}`, {
        method: body ? "POST" : "GET",
        headers,
        body: body instanceof FormData ? body : body ? JSON.stringify(body) : null,
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(body instanceof FormData ? 120_000 : 15_000),
      });
      if (response.ok) return (await response.json()) as Answer;
    } catch {
      throw new Failure(0);
    }
    const problem = (await response.json().catch(() => ({}))) as { message?: string };
    throw new Failure(response.status, problem.message, Number(response.headers.get("retry-after")) * 1000 || 0);
  }
}
