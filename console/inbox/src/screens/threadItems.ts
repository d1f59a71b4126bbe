/** A thread as it is read: messages, and between them days, changes of channel and what else happened. Pure. */
import type { MessageOut, SegmentOut } from "@centralita/shared/api";

import { sameDay } from "../format/time";

/** Something that happened beside the messages. */
export interface Happening {
  id: string;
  at: string;
  kind: "forbidden" | "allowed";
  /** The customer's word, the provider's, or an agent's. */
  how: string;
  channel: string;
  address: string;
  /** The agent; empty where it was none. */
  by: string;
}

export type ThreadItem =
  | { type: "day"; key: string; at: string }
  | { type: "segment"; key: string; segment: SegmentOut }
  | { type: "happening"; key: string; happening: Happening }
  | { type: "message"; key: string; message: MessageOut; heading: boolean };

/** Messages of one author within this time share a heading, in milliseconds. */
const TOGETHER = 5 * 60_000;

function together(message: MessageOut, above: MessageOut | null): boolean {
  return (
    above !== null &&
    above.kind === message.kind &&
    above.author.kind === message.author.kind &&
    above.author.id === message.author.id &&
    above.vendor?.id === message.vendor?.id &&
    above.channel === message.channel &&
    Date.parse(message.at) - Date.parse(above.at) < TOGETHER
  );
}

interface ThreadParts {
  /** Oldest first. */
  messages: MessageOut[];
  happenings: Happening[];
  /** Whether the first message is the conversation's first. */
  complete: boolean;
}

/** What stands in a thread, from top to bottom. What lies above the loaded messages comes with them. */
export function threadItems({ messages, happenings, complete }: ThreadParts): ThreadItem[] {
  const from = complete ? -Infinity : Date.parse(messages[0]?.at ?? "");
  const between = happenings
    .filter(({ at }) => Date.parse(at) >= from)
    .toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));

  const items: ThreadItem[] = [];
  let above: MessageOut | null = null;
  let day: string | null = null;
  let next = 0;
  /** Names the day where it is another one than above. */
  const dated = (at: string) => {
    if (day !== null && sameDay(new Date(at), new Date(day))) return;
    items.push({ type: "day", key: `day ${at}`, at });
    day = at;
    above = null;
  };
  /** What happened before a message. What has its very time came of it. */
  const upTo = (at: number) => {
    for (let each = between[next]; each && Date.parse(each.at) < at; each = between[++next]) {
      dated(each.at);
      items.push({ type: "happening", key: `happening ${each.id}`, happening: each });
      above = null;
    }
  };
  for (const message of messages) {
    upTo(Date.parse(message.at));
    dated(message.at);
    if (message.segment_began) {
      items.push({ type: "segment", key: `segment ${message.id}`, segment: message.segment_began });
      above = null;
    }
    items.push({ type: "message", key: message.id, message, heading: !together(message, above) });
    above = message;
  }
  upTo(Infinity);
  return items;
}
