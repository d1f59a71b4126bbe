/** The ways by which an answer can reach the customer. */
import type { ConversationDetail } from "@centralita/shared/api";

export interface Way {
  /** One address of the customer's by one of our inboxes. */
  key: string;
  inboxId: string;
  identityId: string;
  channel: string;
  inboxName: string;
  /** The customer's address as people write it; empty where nobody has one to read (a web chat). */
  address: string;
  /** The way of the customer's last message: what an answer takes unless another is picked. */
  isLast: boolean;
  /** Since when and how the customer forbade it; null while they have not. */
  forbidden: { since: string; how: string } | null;
  /** The customer never wrote from there: the address was stated or written down. */
  neverWritten: boolean;
  /** Null where the channel cannot be used at present. */
  limits: Limits | null;
  /** What is put around an answer by mail; null where it is none. */
  letter: { subject: string; signature: string } | null;
  /** Until when the customer may be answered; null where they may be at any time. */
  window: ReplyWindow | null;
  /** Why and since when nothing leaves by the inbox; null while it does. */
  stopped: { code: string; reason: string; since: string; tries: boolean } | null;
}

export interface ReplyWindow {
  /** Null where the customer never wrote by this way. */
  closesAt: string | null;
  /** Until when a person still may, with a mark of the provider's; null where they may not. */
  taggedUntil: string | null;
  /** Approved texts may be sent at any time. */
  templates: boolean;
}

/** What the channel takes in one message. */
export interface Limits {
  /** Characters. */
  text: number;
  /** Bytes. */
  file: number;
  /** Empty where the channel takes no files. */
  mediaTypes: string[];
  /** Texts are counted and paid in SMS segments. */
  segmented: boolean;
}

/** Why this way does not take a file: null where it does. */
export function fileObjection(file: { size: number; type: string }, { limits }: Way): "none" | "type" | "size" | null {
  if (!limits) return null;
  if (limits.mediaTypes.length === 0) return "none";
  if (!limits.mediaTypes.includes(file.type)) return "type";
  return file.size > limits.file ? "size" : null;
}

export function waysOf({ contact, ways }: ConversationDetail): Way[] {
  return ways.map((way) => {
    const identity = contact.identities.find(({ id }) => id === way.identity_id);
    return {
      key: `${way.inbox_id} ${way.identity_id}`,
      inboxId: way.inbox_id,
      identityId: way.identity_id,
      channel: way.channel,
      inboxName: way.inbox_name,
      // A visitor's name stands above already, and is no address.
      address: way.channel === "webchat" ? "" : way.address_display,
      isLast: way.current,
      neverWritten: way.never_written,
      forbidden: way.do_not_contact ? (identity?.do_not_contact ?? null) : null,
      letter: way.letter,
      window: way.window && { closesAt: way.window.closes_at, taggedUntil: way.window.tagged_until, templates: way.window.templates },
      stopped: way.stopped,
      limits: way.limits && {
        text: way.limits.text,
        file: way.limits.file,
        mediaTypes: way.limits.media_types,
        segmented: way.limits.segmented,
      },
    };
  });
}
