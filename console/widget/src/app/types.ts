/** The shapes of `/widget/v1`, as hub/web/schemas.py defines them. */

export type Language = "en" | "es";
export type DeliveryState = "queued" | "sending" | "sent" | "delivered" | "read" | "failed" | "unknown";

export interface Attachment {
  id: string;
  name: string;
  media_type: string;
  size: number;
  url: string;
}

export interface Citation {
  article_id: string;
  version: number;
  locale: string;
  title: string;
  passage: string;
  confidence: number;
}

export interface Button {
  title: string;
  payload: string;
}

export interface Message {
  id: string;
  client_id?: string | null;
  sender: "me" | "bot" | "agent" | "system";
  author_name?: string;
  text: string;
  buttons?: Button[];
  attachments?: Attachment[];
  citation?: Citation | null;
  delivery?: DeliveryState | null;
  at: string;
}

export interface Status {
  status: "bot" | "waiting" | "assigned" | "snoozed" | "resolved";
  place?: number | null;
  agent_name?: string | null;
}

export interface Entry {
  cursor: string;
  at: string;
  message?: Message | null;
  delivery?: Record<string, DeliveryState> | null;
  status?: Status | null;
}

export interface FeedPage {
  entries: Entry[];
  cursor: string;
  more: boolean;
}

export interface Settings {
  title: Record<string, string>;
  greeting: Record<string, string>;
  languages: string[];
  pre_chat: { name: "name" | "email" | "phone"; required: boolean }[];
  quick_replies: Record<string, string[]>;
  attachment_limit: number;
  media_types: string[];
  text_limit: number;
}

export interface Session {
  visitor_token: string;
  socket_token: string;
  contact_name: string;
  needs_details: boolean;
  unread: number;
  settings: Settings;
  entries: Entry[];
  cursor: string;
  status: Status | null;
}

export type Details = Partial<Record<"name" | "email" | "phone", string>>;

/** A message on its way. `client_id` makes sending it again harmless. */
export interface Pending {
  client_id: string;
  text: string;
  attachments: Attachment[];
  payload?: string;
  reply_to?: string;
  at: string;
}

export interface Accepted {
  message_id: string;
  conversation_id: string;
  duplicate: boolean;
}
