/** Who a conversation is with, as far as is known. */
import type { ConversationOut } from "@centralita/shared/api";

import type { Text } from "../text";

/** The address that the customer writes from; empty where nobody has one to read (a web chat). */
export function addressOf({ channel, address_display }: ConversationOut): string {
  return channel === "webchat" ? "" : address_display;
}

/** The contact's name; without one the number or address that they write from. */
export function whoIs(row: ConversationOut, { t }: Text): string {
  return row.contact.name || addressOf(row) || t("list.nobody");
}
