/** The ways by which an answer can reach the customer. */
import type { ConversationDetail } from "@centralita/shared/api";

export interface Way {
  /** One address of the customer's by one of our inboxes. */
  key: string;
  inboxId: string;
  identityId: string | null;
  channel: string;
  inboxName: string;
  /** The customer's address as people write it; empty where nobody has one to read (a web chat). */
  address: string;
  /** The way of the customer's last message: what an answer takes unless another is picked. */
  isLast: boolean;
  /** Since when and how the customer forbade it; null while they have not. */
  forbidden: { since: string; how: string } | null;
  limits: Limits;
}

/** What the channel takes in one message. */
export interface Limits {
  /** Characters. */
  text: number;
  /** Bytes. */
  file: number;
  /** Empty where the channel takes no files; null where it does not say. */
  mediaTypes: string[] | null;
  /** Texts are counted and paid in SMS segments. */
  segmented: boolean;
}

/** Why this way does not take a file: null where it does. */
export function fileObjection(file: { size: number; type: string }, { limits }: Way): "none" | "type" | "size" | null {
  if (limits.mediaTypes?.length === 0) return "none";
  if (limits.mediaTypes && !limits.mediaTypes.includes(file.type)) return "type";
  return file.size > limits.file ? "size" : null;
}

/** Until the hub names the ways itself: its inboxes and the addresses that go with them. */
export function waysOf({ conversation, contact, reply_inboxes: inboxes }: ConversationDetail): Way[] {
  return inboxes.map(({ id, name, channel }) => {
    const identity = contact.identities.find((each) => each.channel === channel);
    return {
      key: id,
      inboxId: id,
      identityId: identity?.id ?? null,
      channel,
      inboxName: name,
      address: channel === "webchat" ? "" : (identity?.address ?? ""),
      isLast: id === conversation.inbox_id,
      forbidden: identity?.do_not_contact ?? null,
      limits: { text: 20_000, file: Infinity, mediaTypes: null, segmented: channel === "sms" },
    };
  });
}
