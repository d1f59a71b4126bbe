/** The customer's side of the conversation, without a screen: session, live feed, outbox, receipts. */
import { Feed } from "@centralita/shared/feed";
import { Failure, TOKEN, type Hub } from "./hub";
import { createOutbox } from "./outbox";
import { pause } from "./pause";
import type { Live, LiveHandlers } from "./socket";
import type { Memory } from "./storage";
import { beginning, isBubble, latestFromUs, reduce, type Action, type State } from "./store";
import type { Attachment, Entry, FeedPage, Language, Pending } from "./types";

export interface ChatOptions {
  hub: Hub;
  memory: Memory;
  language: Language;
  connect: (handlers: LiveHandlers) => Live;
  /** Told of every change. */
  show: (state: State) => void;
}

export interface Chat {
  /**
   * Says who is signed in on the shop's page and opens the visit, trying until the hub answers. `undefined`: nobody
   * said; null: has signed out, which leaves nothing of the visit in this browser.
   */
  identify(identity: string | null | undefined): Promise<void>;
  speak(language: Language): Promise<void>;
  /** Raises `Failure`. */
  submitDetails(details: object): Promise<void>;
  send(text: string, attachments?: Attachment[], button?: { payload: string; reply_to: string }): void;
  retry(message: Pending): void;
  discard(message: Pending): void;
  /** Raises `Failure`. */
  upload(file: File): Promise<Attachment>;
  /** The customer is writing, or has emptied the field. */
  typing(on: boolean): void;
  /** Whether the customer can see the messages. */
  watching(on: boolean): void;
  /** The network is said to be back, or gone. */
  network(online: boolean): void;
}

/** After so many refused handshakes in a row the feed is polled, while the socket goes on trying. */
const PATIENCE = 2;
const LOOK_EVERY = 3000;
const LOOK_SELDOM = 15_000;
const TYPING_LASTS = 6000;
const TYPING_SAID_EVERY = 3000;

export function createChat({ hub, memory, language, connect, show }: ChatOptions): Chat {
  let state = beginning(language);
  let feed: Feed<Entry> | undefined;
  let live: Live | undefined;
  let joined = false;
  let looking: ReturnType<typeof setTimeout> | undefined;
  let typingEnds: ReturnType<typeof setTimeout> | undefined;
  let typingSaid = 0;
  let reported = "";
  /** Raised when the visit changes hands, so that answers to the one before are dropped. */
  let visit = 0;

  const outbox = createOutbox({
    memory,
    send: ({ client_id, text, attachments, payload, reply_to }) =>
      hub.call("messages", { client_id, text, attachments: attachments.map(({ id }) => id), payload, reply_to }),
    onAccepted: ({ client_id }, accepted) => dispatch({ type: "accepted", client_id, id: accepted.message_id }),
    onRefused: ({ client_id }, problem) => dispatch({ type: "refused", client_id, problem }),
  });

  function dispatch(action: Action): void {
    const before = state;
    state = reduce(state, action);
    if (state !== before) show(state);
  }

  function online(connection: State["connection"]): void {
    dispatch({ type: "changed", part: { connection } });
  }

  function queue(message: Pending): void {
    dispatch({ type: "queued", message });
    outbox.add(message);
  }

  function discard({ client_id }: Pending): void {
    dispatch({ type: "discarded", client_id });
  }

  async function start(): Promise<void> {
    const mine = ++visit;
    joined = false;
    live?.stop();
    feed?.disconnected();
    clearTimeout(looking);
    looking = undefined;
    for (let attempt = 0; mine === visit; ) {
      try {
        const session = await hub.session(state.language);
        if (mine !== visit) return;
        dispatch({ type: "session", session });
        follow(session.cursor);
        for (const message of outbox.waiting())
          if (![...state.items, ...state.outgoing].some((each) => isBubble(each) && each.client_id === message.client_id))
            dispatch({ type: "queued", message });
        void outbox.flush();
        report();
        return;
      } catch (error) {
        const { refused, retryAfter } = error instanceof Failure ? error : new Failure(0);
        if (refused) {
          dispatch({ type: "changed", part: { phase: "refused" } });
          return;
        }
        online("offline");
        await pause(attempt++, retryAfter).over;
      }
    }
  }

  function follow(cursor: string): void {
    const mine = visit;
    const current = (feed = new Feed<Entry>({
      cursor,
      load,
      apply(entries) {
        if (mine !== visit) return;
        dispatch({ type: "entries", entries });
        report();
      },
    }));
    live = connect({
      token: () => hub.socketToken(),
      onJoined() {
        joined = true;
        clearTimeout(looking);
        looking = undefined;
        online("live");
        current.joined();
        void outbox.flush();
      },
      onLost() {
        joined = false;
        current.disconnected();
        online("connecting");
      },
      onRefused(attempts) {
        if (attempts >= PATIENCE && !looking && mine === visit) look();
      },
      onEvents: (push) => current.push(push),
      onTyping({ author_name, on }) {
        clearTimeout(typingEnds);
        dispatch({ type: "changed", part: { typing: on ? author_name : null } });
        // Whoever types and then loses the connection never says that it ended.
        if (on) typingEnds = setTimeout(() => dispatch({ type: "changed", part: { typing: null } }), TYPING_LASTS);
      },
    });
  }

  function look(): void {
    feed?.look();
    looking = setTimeout(look, state.watching ? LOOK_EVERY : LOOK_SELDOM);
  }

  async function load(after: string | null): Promise<FeedPage> {
    try {
      const page = await hub.call<FeedPage>(`events?after=${after ?? ""}`);
      if (!joined) {
        online("polling");
        void outbox.flush();
      }
      return page;
    } catch (error) {
      if (!joined) online("offline");
      if (error instanceof Failure) await new Promise((go) => setTimeout(go, error.retryAfter));
      throw error;
    }
  }

  /** Tells the hub how far its messages have come. */
  function report(): void {
    const message_id = latestFromUs(state)?.id;
    const how = state.watching ? "read" : "delivered";
    const news = `${message_id ?? ""} ${how}`;
    if (!message_id || reported === news || reported === `${message_id} read`) return;
    reported = news;
    hub.call("seen", { message_id, state: how }).catch(() => {
      reported = ""; // the next message, or look, says it again
    });
  }

  return {
    async identify(identity) {
      hub.identify(identity ?? null);
      if (identity === null) {
        memory.set(TOKEN, null);
        outbox.clear();
        reported = "";
        dispatch({ type: "changed", part: { ...beginning(state.language), watching: state.watching } });
      }
      await start();
    },
    async speak(next) {
      memory.set("language", next);
      dispatch({ type: "changed", part: { language: next } });
      // The hub answers in the visit's language. Where it cannot be told now, the next session says it again.
      await hub.session(next).catch(() => null);
    },
    async submitDetails(details) {
      await hub.call("details", details);
      dispatch({ type: "changed", part: { phase: "chat" } });
    },
    send(text, attachments = [], button) {
      queue({ client_id: crypto.randomUUID(), text, attachments, at: new Date().toISOString(), ...button });
      typingSaid = 0;
    },
    retry(message) {
      discard(message);
      queue(message);
    },
    discard,
    upload(file) {
      const form = new FormData();
      form.append("file", file);
      return hub.call("attachments", form);
    },
    typing(on) {
      if (on && Date.now() - typingSaid < TYPING_SAID_EVERY) return;
      typingSaid = on ? Date.now() : 0;
      live?.typing(on);
    },
    watching(watching) {
      dispatch({ type: "changed", part: { watching, unread: watching ? 0 : state.unread } });
      report();
    },
    network(isThere) {
      if (isThere) {
        live?.hurry();
        void outbox.flush();
      } else online("offline");
    },
  };
}
