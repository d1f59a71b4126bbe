/** What the customer sees, as one value, and the pure function that takes it from one moment to the next. */
import type { Entry, Language, Message, Pending, Session, Settings, Status, Opening } from "./types";

/** A message on its way is `waiting`, one that the hub would not take `failed`, with the hub's reason. */
export interface Bubble extends Message {
  on_its_way?: "waiting" | "failed" | undefined;
  problem?: string;
  pending?: Pending;
}

/** What happened beside the messages: somebody joined (`name`), or the conversation was closed (no name). */
export interface Line {
  id: string;
  name: string | null;
  at: string;
}

export type Item = Bubble | Line;

export interface State {
  phase: "starting" | "details" | "chat" | "refused";
  connection: "connecting" | "live" | "polling" | "offline";
  language: Language;
  settings: Settings | null;
  /** When somebody is there; null: always, or not known yet. */
  open: Opening[] | null;
  /** As the feed gave them. */
  items: Item[];
  /** The customer's own, not yet in the feed. */
  outgoing: Bubble[];
  status: Status | null;
  /** Who is writing; the assistant has no name. */
  typing: string | null;
  unread: number;
  /** The customer can see the messages: the panel is open and the page in front. */
  watching: boolean;
}

export type Action =
  | { type: "session"; session: Session }
  | { type: "entries"; entries: Entry[] }
  | { type: "queued"; message: Pending }
  | { type: "accepted"; client_id: string; id: string }
  | { type: "refused"; client_id: string; problem: string }
  | { type: "discarded"; client_id: string }
  /** Plain facts that touch nothing else. */
  | { type: "changed"; part: Partial<State> };

export function beginning(language: Language): State {
  return {
    phase: "starting",
    connection: "connecting",
    language,
    settings: null,
    open: null,
    items: [],
    outgoing: [],
    status: null,
    typing: null,
    unread: 0,
    watching: false,
  };
}

export function reduce(state: State, action: Action): State {
  const outgoing = (client_id: string, how: (bubble: Bubble) => Bubble | []): State => ({
    ...state,
    outgoing: state.outgoing.flatMap((each) => (each.client_id === client_id ? how(each) : each)),
  });
  switch (action.type) {
    case "session": {
      const { settings, needs_details, entries, status, unread, open } = action.session;
      return {
        ...entries.reduce(take, { ...state, items: [], status: null, settings, phase: needs_details ? "details" : "chat" }),
        status,
        open,
        unread: state.watching ? 0 : unread,
      };
    }
    case "entries":
      return action.entries.reduce(take, state);
    case "queued":
      return { ...state, outgoing: [...state.outgoing, bubble(action.message)] };
    case "accepted":
      return outgoing(action.client_id, (each) => ({ ...each, id: action.id, on_its_way: undefined }));
    case "refused":
      return outgoing(action.client_id, (each) => ({ ...each, on_its_way: "failed", problem: action.problem }));
    case "discarded":
      return outgoing(action.client_id, () => []);
    case "changed":
      return { ...state, ...action.part };
  }
}

export function isBubble(item: Item): item is Bubble {
  return "sender" in item;
}

/** The newest message that is not the customer's own. */
export function latestFromUs(state: State): Item | undefined {
  return state.items.findLast((item) => isBubble(item) && item.sender !== "me");
}

function bubble(message: Pending): Bubble {
  return {
    ...message,
    id: message.client_id,
    sender: "me",
    author_name: "",
    buttons: [],
    citation: null,
    delivery: null,
    on_its_way: "waiting",
    pending: message,
  };
}

function take(state: State, { message, delivery, status, cursor, at }: Entry): State {
  if (message) return takeMessage(state, message);
  if (delivery) {
    const further = <Any extends Item>(item: Any): Any => {
      const reported = delivery[item.id];
      const moves = reported && isBubble(item) && RANK.indexOf(reported) > RANK.indexOf(item.delivery ?? "queued");
      return moves ? { ...item, delivery: reported } : item;
    };
    return { ...state, items: state.items.map(further), outgoing: state.outgoing.map(further) };
  }
  if (!status) return state;
  const name = status.status === "assigned" ? status.agent_name : null;
  const told = name ? name !== state.status?.agent_name : status.status === "resolved" && !closed(state.status);
  return { ...state, status, items: told ? [...state.items, { id: cursor, name, at }] : state.items };
}

// As in hub/domain/messages.py: a late or repeated report never moves a message back.
const RANK = ["queued", "sending", "unknown", "sent", "failed", "delivered", "read"];

function closed(status: Status | null): boolean {
  return status?.status === "resolved";
}

function takeMessage(state: State, message: Message): State {
  const { id, client_id, sender } = message;
  if (state.items.some((item) => item.id === id))
    return { ...state, items: state.items.map((item) => (item.id === id ? message : item)) };
  const mine = sender === "me";
  return {
    ...state,
    items: [...state.items, message],
    // What another tab of the same customer wrote arrives by the feed alone and is in no outbox of ours.
    outgoing: state.outgoing.filter((each) => each.id !== id && each.client_id !== client_id),
    typing: mine ? state.typing : null,
    unread: state.unread + (mine || sender === "system" || state.watching ? 0 : 1),
  };
}
