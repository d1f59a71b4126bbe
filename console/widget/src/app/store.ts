/** What the customer sees, as one value, and the pure function that takes it from one moment to the next. */
import type { Accepted, DeliveryState, Entry, Language, Message, Pending, Session, Settings, Status } from "./types";

/** A message on its way is `waiting`, one that the hub would not take `failed`, with the hub's reason. */
export interface Bubble extends Message {
  on_its_way?: "waiting" | "failed";
  problem?: string;
  pending?: Pending;
}

/** What happened beside the messages: an agent joined (`name`), or the conversation was closed. */
export interface Line {
  id: string;
  happened: "joined" | "closed";
  name: string;
  at: string;
}

export type Item = Bubble | Line;

export interface State {
  phase: "starting" | "details" | "chat" | "refused";
  connection: "connecting" | "live" | "polling" | "offline";
  language: Language;
  settings: Settings | null;
  contactName: string;
  /** As the feed gave them. */
  items: Item[];
  /** The customer's own, not yet in the feed. */
  outgoing: Bubble[];
  status: Status | null;
  typing: string | null;
  unread: number;
  /** The customer can see the messages: the panel is open and the page in front. */
  watching: boolean;
}

export type Action =
  | { type: "session"; session: Session; fresh: boolean }
  | { type: "entries"; entries: Entry[] }
  | { type: "queued"; messages: Pending[] }
  | { type: "accepted"; client_id: string; accepted: Accepted }
  | { type: "refused"; message: Pending; problem: string }
  | { type: "discarded"; client_id: string }
  | { type: "phase"; phase: State["phase"] }
  | { type: "connection"; connection: State["connection"] }
  | { type: "language"; language: Language }
  | { type: "typing"; name: string | null }
  | { type: "watching"; watching: boolean }
  | { type: "forgotten" };

export function beginning(language: Language): State {
  return {
    phase: "starting",
    connection: "connecting",
    language,
    settings: null,
    contactName: "",
    items: [],
    outgoing: [],
    status: null,
    typing: null,
    unread: 0,
    watching: false,
  };
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "session": {
      const { session, fresh } = action;
      const next: State = {
        ...state,
        phase: session.needs_details ? "details" : "chat",
        settings: session.settings,
        contactName: session.contact_name,
      };
      if (!fresh) return next;
      const filled = session.entries.reduce(take, { ...next, items: [], watching: true });
      return {
        ...filled,
        status: session.status,
        watching: state.watching,
        unread: state.watching ? 0 : session.unread,
      };
    }
    case "entries":
      return action.entries.reduce(take, state);
    case "queued":
      return { ...state, outgoing: [...state.outgoing, ...action.messages.map(bubble)] };
    case "accepted":
      return change(state, action.client_id, ({ on_its_way: _, ...rest }) => ({
        ...rest,
        id: action.accepted.message_id,
        delivery: rest.delivery ?? "sent",
      }));
    case "refused":
      return change(state, action.message.client_id, (each) => ({
        ...each,
        on_its_way: "failed",
        problem: action.problem,
      }));
    case "discarded":
      return { ...state, outgoing: state.outgoing.filter((each) => each.client_id !== action.client_id) };
    case "phase":
      return { ...state, phase: action.phase };
    case "connection":
      return state.connection === action.connection ? state : { ...state, connection: action.connection };
    case "language":
      return { ...state, language: action.language };
    case "typing":
      return { ...state, typing: action.name };
    case "watching":
      return { ...state, watching: action.watching, unread: action.watching ? 0 : state.unread };
    case "forgotten":
      return { ...beginning(state.language), watching: state.watching };
  }
}

export function isBubble(item: Item): item is Bubble {
  return "sender" in item;
}

/** The newest message that is not the customer's own. */
export function latestFromUs(state: State): Bubble | undefined {
  return state.items.findLast((item): item is Bubble => isBubble(item) && item.sender !== "me");
}

function bubble(message: Pending): Bubble {
  const { client_id, text, attachments, at } = message;
  return { id: client_id, client_id, sender: "me", text, attachments, at, on_its_way: "waiting", pending: message };
}

function change(state: State, client_id: string, how: (bubble: Bubble) => Bubble): State {
  return { ...state, outgoing: state.outgoing.map((each) => (each.client_id === client_id ? how(each) : each)) };
}

function take(state: State, entry: Entry): State {
  if (entry.message) return takeMessage(state, entry.message);
  if (entry.delivery) return takeDelivery(state, entry.delivery);
  if (entry.status) return takeStatus(state, entry.status, entry);
  return state;
}

function takeMessage(state: State, message: Message): State {
  const known = state.items.findIndex((item) => item.id === message.id);
  if (known >= 0) return { ...state, items: state.items.with(known, message) };
  const mine = message.sender === "me";
  // What another tab of the same customer wrote arrives by the feed alone and is in no outbox of ours.
  const same = (each: Bubble) => each.id === message.id || (!!message.client_id && each.client_id === message.client_id);
  return {
    ...state,
    items: [...state.items, message],
    outgoing: mine ? state.outgoing.filter((each) => !same(each)) : state.outgoing,
    typing: mine ? state.typing : null,
    unread: mine || message.sender === "system" || state.watching ? state.unread : state.unread + 1,
  };
}

// As in hub/domain/messages.py: a late or repeated report never moves a message back.
const RANK: DeliveryState[] = ["queued", "sending", "unknown", "sent", "failed", "delivered", "read"];

function takeDelivery(state: State, delivery: Record<string, DeliveryState>): State {
  const further = <Any extends Item>(item: Any): Any => {
    const reported = delivery[item.id];
    if (!reported || !isBubble(item)) return item;
    const current = item.delivery ?? "queued";
    return RANK.indexOf(reported) > RANK.indexOf(current) ? { ...item, delivery: reported } : item;
  };
  return { ...state, items: state.items.map(further), outgoing: state.outgoing.map(further) };
}

function takeStatus(state: State, status: Status, entry: Entry): State {
  const before = state.status;
  const line = (happened: Line["happened"], name = ""): State => ({
    ...state,
    status,
    items: [...state.items, { id: entry.cursor, happened, name, at: entry.at }],
  });
  if (status.status === "assigned" && status.agent_name && status.agent_name !== before?.agent_name)
    return line("joined", status.agent_name);
  if (status.status === "resolved" && before?.status !== "resolved") return line("closed");
  return { ...state, status };
}
