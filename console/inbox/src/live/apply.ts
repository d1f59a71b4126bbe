import type { ConversationDetail, ConversationOut, Entry, MessageOut } from "@centralita/shared/api";
import { notifyManager, type QueryClient } from "@tanstack/react-query";

import { keys } from "../api/queries";
import { journal } from "./journal";
import { placeMessage, placeRow, type ConversationPages, type List, type MessagePages } from "./rows";

/** Events that change the handoff packet, the contact or which messages a conversation has: read afresh. */
const CHANGES_DETAIL = new Set([
  "HandedOver",
  "HandedBack",
  "BotTurnDecided",
  "IdentityVerified",
  "MovedToContact",
  "Merged",
  "Absorbed",
  "MergeUndone",
  "MessagesMovedOut",
  "MessagesMovedIn",
  "SegmentBegan",
  "ConsentGiven",
  "ConsentWithdrawn",
]);
/** Also those that end what was asked before. */
const CHANGES_MESSAGES = new Set(["VendorRecalled", "VendorAnswered", "Absorbed", "MergeUndone", "MessagesMovedOut", "MessagesMovedIn"]);
/** Events that cannot change a badge. */
const LEAVES_COUNTERS = new Set([
  ...["MessageQueued", "NoteAdded", "DeliveryChanged", "BotTurnDecided", "BotTurnDropped"],
  ...["MediaAnnounced", "MediaFetched", "MediaRefused", "SegmentBegan", "ConsentGiven", "ConsentWithdrawn"],
  ...["VendorAsked", "VendorAnswered", "VendorRecalled", "MessageEdited", "MessageDeleted", "ReactionChanged"],
]);

export function applyRow(client: QueryClient, row: ConversationOut): void {
  notifyManager.batch(() => {
    for (const [key, data] of client.getQueriesData<ConversationPages>({ queryKey: keys.conversations })) {
      if (data) client.setQueryData(key, placeRow(data, row, key[1] as List));
    }
    client.setQueryData<ConversationDetail>(keys.conversation(row.id), (detail) =>
      detail ? { ...detail, conversation: row } : undefined,
    );
  });
}

export function applyMessage(client: QueryClient, message: MessageOut): void {
  client.setQueryData<MessagePages>(keys.messages(message.conversation_id), (data) =>
    data ? placeMessage(data, message) : undefined,
  );
}

/** Takes entries of the feed into everything that has been loaded. */
export function applyEntries(client: QueryClient, entries: Entry[]): void {
  journal.add(entries);
  const rows = new Map<string, ConversationOut>();
  const stale = new Map<string, readonly string[]>();
  const outdated = (key: readonly string[]) => stale.set(key.join("/"), key);
  notifyManager.batch(() => {
    for (const entry of entries) {
      if (entry.conversation) rows.set(entry.conversation.id, entry.conversation);
      if (entry.message) applyMessage(client, entry.message);
      if (entry.conversation_id !== null) {
        if (CHANGES_DETAIL.has(entry.kind)) outdated(keys.conversation(entry.conversation_id));
        if (CHANGES_MESSAGES.has(entry.kind)) outdated(keys.messages(entry.conversation_id));
        if (!LEAVES_COUNTERS.has(entry.kind)) {
          outdated(keys.counters);
          outdated(keys.floor);
          outdated(keys.presence);
        }
        if (entry.kind.startsWith("Offer") || entry.kind === "Assigned") {
          outdated(keys.offers);
          outdated(keys.routing(entry.conversation_id));
        }
      } else if (entry.kind === "PresenceChanged") {
        outdated(keys.agents);
        outdated(keys.floor);
        outdated(keys.presence);
        outdated(keys.session);
      } else if (entry.kind.startsWith("Article")) {
        outdated(keys.articles);
      } else if (entry.kind.startsWith("Contact") || entry.kind.startsWith("Identity")) {
        outdated(["conversation"]);
        outdated(["candidates"]);
      }
    }
    for (const row of rows.values()) applyRow(client, row);
  });
  for (const key of stale.values()) refresh(client, key);
}

const REFRESH_EVERY = 1_000;
const pending = new Map<string, { again: boolean }>();

/** Loads something again now, and at most once a second however many entries ask for it. */
function refresh(client: QueryClient, key: readonly string[]): void {
  const name = key.join("/");
  const running = pending.get(name);
  if (running) {
    running.again = true;
    return;
  }
  const turn = { again: false };
  pending.set(name, turn);
  void client.invalidateQueries({ queryKey: key });
  setTimeout(() => {
    pending.delete(name);
    if (turn.again) refresh(client, key);
  }, REFRESH_EVERY);
}
