/** A hub in memory, with the behaviour that the chat relies on: one `client_id` once, a feed with cursors, lost calls. */
import type { FeedPage, Message, Session } from "../src/app/types";
import type { Live, LiveHandlers } from "../src/app/socket";
import { memory, type Memory } from "../src/app/storage";

export function forgetful(): Memory {
  return memory("", () => {
    throw new Error("storage is forbidden");
  });
}

export function message(part: Partial<Message>): Message {
  return {
    id: "m",
    client_id: null,
    sender: "bot",
    author_name: "",
    text: "",
    buttons: [],
    attachments: [],
    citation: null,
    delivery: null,
    at: "2026-11-21T10:00:00Z",
    ...part,
  };
}

interface Told {
  client_id: string;
  text: string;
}

export class FakeHub {
  entries: FeedPage["entries"] = [];
  calls: string[] = [];
  seen: { message_id: string; state: string }[] = [];
  online = true;
  /** Answers to the next calls, before the real ones: a status, or "lost" for work that is done but not answered. */
  script: (number | "lost")[] = [];
  retryAfter = "";
  badIdentity = false;
  needsDetails = false;
  live: LiveHandlers | null = null;
  private sockets = 0;

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const path = (input as string).replace("/widget/v1/", "");
    this.calls.push(path);
    await Promise.resolve();
    if (!this.online) throw new TypeError("network");
    const next = this.script.shift();
    if (typeof next === "number")
      return Response.json(
        { message: `status ${next}` },
        { status: next, headers: this.retryAfter ? { "retry-after": this.retryAfter } : {} },
      );
    const body = typeof init?.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
    const answer = this.answer(path, body);
    if (next === "lost") throw new TypeError("network");
    return answer;
  };

  readonly connect = (handlers: LiveHandlers): Live => {
    this.live = handlers;
    return { typing: () => undefined, hurry: () => undefined, stop: () => (this.live = null) };
  };

  /** The socket joins; whatever is written from now on is pushed. */
  join(): void {
    this.live?.onJoined();
  }

  say(part: Partial<Message>, pushed = true): Message {
    const said = message({ id: `m${this.entries.length + 1}`, ...part });
    this.add({ message: said }, pushed);
    return said;
  }

  add(part: Partial<FeedPage["entries"][number]>, pushed = true): void {
    const cursor = `0.${this.entries.length + 1}`;
    const entry = { cursor, at: "2026-11-21T10:00:00Z", message: null, delivery: null, status: null, ...part };
    this.entries.push(entry);
    if (pushed) this.live?.onEvents({ entries: [entry], cursor });
  }

  texts(): string[] {
    return this.entries.flatMap(({ message: each }) => (each ? [each.text] : []));
  }

  private answer(path: string, body: Record<string, unknown>): Response {
    const [name = "", query = ""] = path.split("?");
    if (name === "session") {
      if (this.badIdentity && body["identity_token"]) return Response.json({}, { status: 401 });
      const session: Session = {
        visitor_token: (body["visitor_token"] as string | null) ?? "visitor",
        socket_token: `socket${++this.sockets}`,
        contact_name: "",
        needs_details: this.needsDetails,
        unread: 0,
        settings: {
          title: {},
          greeting: {},
          languages: ["en", "es"],
          pre_chat: [],
          quick_replies: {},
          attachment_limit: 2_000_000,
          media_types: ["image/png", "text/plain"],
          text_limit: 100,
          text_us: null,
        },
        entries: this.entries.slice(-50),
        cursor: `0.${this.entries.length}`,
        status: null,
        open: null,
      };
      return Response.json(session);
    }
    if (name === "messages") {
      const { client_id, text } = body as unknown as Told;
      const known = this.entries.find((entry) => entry.message?.client_id === client_id)?.message;
      const stored = known ?? this.say({ client_id, text, sender: "me" });
      return Response.json({ message_id: stored.id, conversation_id: "c", duplicate: !!known });
    }
    if (name === "events") {
      const after = Number(new URLSearchParams(query).get("after")?.split(".")[1] ?? 0);
      const entries = this.entries.slice(after, after + 3);
      return Response.json({
        entries,
        cursor: `0.${after + entries.length}`,
        more: this.entries.length > after + entries.length,
      });
    }
    if (name === "seen") this.seen.push(body as unknown as { message_id: string; state: string });
    return Response.json({ ok: true });
  }
}
