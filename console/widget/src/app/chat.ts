/** The customer's side of the conversation, without a screen: session, live feed, outbox, receipts. */
import { Feed } from "@centralita/shared/feed";
import { Failure, type Hub } from "./hub";
import { Outbox } from "./outbox";
import type { Live, LiveHandlers } from "./socket";
import type { Memory } from "./storage";
import { beginning, latestFromUs, reduce, type Action, type State } from "./store";
import type { Attachment, Details, Entry, Language, Pending } from "./types";

export interface ChatOptions {
  hub: Hub;
  memory: Memory;
  language: Language;
  connect: (handlers: LiveHandlers) => Live;
  newId?: () => string;
  now?: () => Date;
  /** Milliseconds between two looks at the feed while there is no socket: [in sight, out of sight]. */
  pollEvery?: [number, number];
  retryDelay?: (attempt: number) => number;
}

/** After so many refused handshakes in a row the feed is polled, while the socket goes on trying. */
const PATIENCE = 2;
const TYPING_LASTS = 6000;
const TYPING_SAID_EVERY = 3000;

export class Chat {
  state: State;
  private readonly outbox: Outbox;
  private feed: Feed<Entry> | null = null;
  private live: Live | null = null;
  private joined = false;
  private poll: ReturnType<typeof setTimeout> | undefined;
  private typingEnds: ReturnType<typeof setTimeout> | undefined;
  private typingSaid = 0;
  private reported = "";
  /** Raised when the visit changes hands, so that answers to the one before are dropped. */
  private visit = 0;
  private readonly listeners = new Set<(state: State) => void>();

  constructor(private readonly options: ChatOptions) {
    this.state = beginning(options.language);
    this.outbox = new Outbox({
      memory: options.memory,
      send: (message) => this.sendOne(message),
      onAccepted: ({ client_id }, accepted) => this.dispatch({ type: "accepted", client_id, accepted }),
      onRefused: (message, failure) => this.dispatch({ type: "refused", message, problem: failure.message }),
      ...(options.retryDelay && { retryDelay: options.retryDelay }),
    });
  }

  subscribe(listener: (state: State) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Opens the visit, trying until the hub answers. */
  async start(): Promise<void> {
    const visit = ++this.visit;
    for (let attempt = 0; visit === this.visit; attempt++) {
      try {
        const session = await this.options.hub.session(this.state.language);
        if (visit !== this.visit) return;
        this.dispatch({ type: "session", session, fresh: true });
        this.follow(session.cursor);
        const waiting = this.outbox.waiting().filter(({ client_id }) => !this.knows(client_id));
        this.dispatch({ type: "queued", messages: waiting });
        void this.outbox.flush();
        this.report();
        return;
      } catch (error) {
        if (error instanceof Failure && error.refused) return this.dispatch({ type: "phase", phase: "refused" });
        this.dispatch({ type: "connection", connection: "offline" });
        await this.pause(attempt, error instanceof Failure ? error.retryAfter : 0);
      }
    }
  }

  /**
   * Says who is signed in on the shop's page and (re)opens the visit. `undefined`: nobody said; null: has signed out,
   * which leaves nothing of the visit in this browser.
   */
  async identify(identity: string | null | undefined): Promise<void> {
    this.options.hub.identify(identity ?? null);
    this.stop();
    if (identity === null) {
      this.options.hub.forget();
      this.outbox.clear();
      this.reported = "";
      this.dispatch({ type: "forgotten" });
    }
    await this.start();
  }

  async setLanguage(language: Language): Promise<void> {
    this.options.memory.set("language", language);
    this.dispatch({ type: "language", language });
    // The hub answers in the language of the visit; a failure is made good by the next session, which says it again.
    const session = await this.options.hub.session(language).catch(() => null);
    if (session) this.dispatch({ type: "session", session, fresh: false });
  }

  async submitDetails(details: Details): Promise<void> {
    await this.options.hub.details(details);
    this.dispatch({ type: "phase", phase: "chat" });
  }

  send(text: string, attachments: Attachment[] = [], button?: { payload: string; reply_to: string }): void {
    const now = this.options.now?.() ?? new Date();
    const client_id = this.options.newId?.() ?? crypto.randomUUID();
    const message: Pending = { client_id, text, attachments, at: now.toISOString(), ...button };
    this.dispatch({ type: "queued", messages: [message] });
    this.outbox.add(message);
    this.typingSaid = 0;
  }

  retry(message: Pending): void {
    this.dispatch({ type: "discarded", client_id: message.client_id });
    this.dispatch({ type: "queued", messages: [message] });
    this.outbox.add(message);
  }

  discard(message: Pending): void {
    this.dispatch({ type: "discarded", client_id: message.client_id });
  }

  upload(file: File): Promise<Attachment> {
    return this.options.hub.upload(file);
  }

  /** The customer is writing (`on`), or has emptied the field. */
  typing(on: boolean): void {
    const now = Date.now();
    if (on && now - this.typingSaid < TYPING_SAID_EVERY) return;
    this.typingSaid = on ? now : 0;
    this.live?.typing(on);
  }

  watching(watching: boolean): void {
    if (watching === this.state.watching) return;
    this.dispatch({ type: "watching", watching });
    this.report();
  }

  /** The network is said to be back, or gone. */
  network(online: boolean): void {
    if (!online) return this.dispatch({ type: "connection", connection: "offline" });
    this.live?.hurry();
    this.outbox.wake();
  }

  stop(): void {
    this.visit += 1;
    this.joined = false;
    this.live?.stop();
    this.feed?.stop();
    this.live = null;
    this.feed = null;
    clearTimeout(this.poll);
    this.poll = undefined;
  }

  private follow(cursor: string): void {
    const visit = this.visit;
    const feed = (this.feed = new Feed<Entry>({
      cursor,
      load: (after) => this.load(after),
      apply: (entries) => {
        if (visit !== this.visit) return;
        this.dispatch({ type: "entries", entries });
        this.report();
      },
      ...(this.options.retryDelay && { retryDelay: this.options.retryDelay }),
    }));
    this.live = this.options.connect({
      token: () => this.options.hub.takeSocketToken(this.state.language),
      onJoined: () => {
        this.joined = true;
        clearTimeout(this.poll);
        this.poll = undefined;
        this.dispatch({ type: "connection", connection: "live" });
        feed.joined();
        this.outbox.wake();
      },
      onLost: () => {
        this.joined = false;
        feed.disconnected();
        this.dispatch({ type: "connection", connection: "connecting" });
      },
      onRefused: (attempts) => {
        if (attempts >= PATIENCE && !this.poll && visit === this.visit) this.look();
      },
      onEvents: (push) => feed.push(push),
      onTyping: ({ author_name, on }) => {
        clearTimeout(this.typingEnds);
        this.dispatch({ type: "typing", name: on ? author_name : null });
        // Whoever types and then loses the connection never says that it ended.
        if (on) this.typingEnds = setTimeout(() => this.dispatch({ type: "typing", name: null }), TYPING_LASTS);
      },
    });
  }

  private look(): void {
    const [near, far] = this.options.pollEvery ?? [3000, 15_000];
    this.feed?.look();
    this.poll = setTimeout(() => this.look(), this.state.watching ? near : far);
  }

  private async load(after: string | null) {
    try {
      const page = await this.withSession(() => this.options.hub.events(after));
      if (!this.joined) {
        this.dispatch({ type: "connection", connection: "polling" });
        this.outbox.wake();
      }
      return page;
    } catch (error) {
      if (!this.joined) this.dispatch({ type: "connection", connection: "offline" });
      if (error instanceof Failure && error.retryAfter) await new Promise((go) => setTimeout(go, error.retryAfter));
      throw error;
    }
  }

  private sendOne(message: Pending) {
    return this.withSession(() => this.options.hub.send(message));
  }

  /** A visit may outlive its token. */
  private async withSession<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Failure) || error.status !== 401) throw error;
      await this.options.hub.session(this.state.language);
      return call();
    }
  }

  /** Tells the hub how far its messages have come. */
  private report(): void {
    const latest = latestFromUs(this.state);
    if (!latest) return;
    const state = this.state.watching ? "read" : "delivered";
    const report = `${latest.id} ${state}`;
    if (report === this.reported || this.reported === `${latest.id} read`) return;
    this.reported = report;
    this.options.hub.seen(latest.id, state).catch(() => {
      if (this.reported === report) this.reported = ""; // the next message, or look, tries again
    });
  }

  private knows(client_id: string): boolean {
    return [...this.state.items, ...this.state.outgoing].some((each) => "sender" in each && each.client_id === client_id);
  }

  private pause(attempt: number, atLeast: number): Promise<void> {
    const delay = this.options.retryDelay?.(attempt) ?? Math.min(1000 * 2 ** attempt, 15_000);
    return new Promise((resolve) => setTimeout(resolve, Math.max(delay, atLeast)));
  }

  private dispatch(action: Action): void {
    const next = reduce(this.state, action);
    if (next === this.state) return;
    this.state = next;
    for (const listener of this.listeners) listener(next);
  }
}
