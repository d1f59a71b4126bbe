/** Made-up values with every field filled in; a test names the fields that it is about. */
import type { AgentOut, ConversationOut, Entry, MessageOut } from "@centralita/shared/api";

export const AGENT: AgentOut = {
  id: "ana",
  name: "Ana Ruiz",
  email: "ana@example.org",
  role: "agent",
  language: "en",
  team_ids: ["support"],
  presence: "available",
};

export function conversation(fields: Partial<ConversationOut> & { id: string }): ConversationOut {
  return {
    ticket_number: 1,
    status: "waiting",
    priority: "none",
    contact: { id: "contact", name: "María" },
    channel: "webchat",
    address_display: "",
    subject: "",
    inbox_id: "shop",
    language: "en",
    team_id: "support",
    assignee_id: null,
    verified_level: "none",
    unread: 0,
    last_message: null,
    opened_at: "2026-01-01T10:00:00Z",
    last_activity_at: "2026-01-01T10:00:00Z",
    waiting_since: "2026-01-01T10:00:00Z",
    snoozed_until: null,
    offered_to: null,
    offered_until: null,
    merged_into: null,
    sla: null,
    colleague_id: null,
    awaited: null,
    ...fields,
  };
}

export function message(fields: Partial<MessageOut> & { id: string }): MessageOut {
  return {
    conversation_id: "c",
    sequence: 1,
    kind: "incoming",
    author: { kind: "contact", id: "contact", name: "María" },
    channel: "webchat",
    inbox_id: "shop",
    text: fields.id,
    buttons: [],
    attachments: [],
    missing_media: [],
    letter: null,
    vendor: null,
    from_vendor: null,
    segment_began: null,
    citation: null,
    delivery: null,
    rule: null,
    client_id: null,
    provider_id: null,
    erased: false,
    deleted: false,
    native_app: false,
    answers: null,
    location: null,
    cards: [],
    sticker: null,
    referral: null,
    unsupported: null,
    link: null,
    reactions: [],
    versions: [],
    at: "2026-01-01T10:00:00Z",
    ...fields,
  };
}

export function entry(fields: Partial<Entry> & { kind: string }): Entry {
  return {
    cursor: "0.1",
    event_id: 1,
    conversation_id: "c",
    sequence: 1,
    at: "2026-01-01T10:00:00Z",
    actor: { kind: "system", id: null, name: "" },
    data: {},
    message: null,
    conversation: null,
    ...fields,
  };
}
