import { IconArrowsSplit, IconUserX } from "../parts/icons";

import * as hub from "../api/hub";
import { may } from "../session/permissions";
import type { Action } from "./action";
import { readAnew } from "./undo";

/** An address, by its identity, is not the contact's of the open conversation. */
export const unlink: Action<string> = {
  name: "unlink",
  label: "link.notTheirs",
  icon: IconUserX,
  available: (_, me) => may(me, "converse"),
  perform: async ({ conversation, client, text }, identityId) => {
    const { event_id } = await hub.unlink(conversation.contact.id, identityId);
    await readAnew(client);
    return { undo: event_id, said: text.t("link.unlinked") };
  },
};

/** What was said with an address is somebody else's: it gets a conversation of its own. */
export const somebodyElse: Action<string> = {
  name: "somebodyElse",
  label: "link.somebodyElse",
  icon: IconArrowsSplit,
  available: (conversation, me) => conversation.merged_into === null && may(me, "converse"),
  perform: async ({ conversation, client, text }, identityId) => {
    const { event_id, conversation: row } = await hub.somebodyElse(conversation.id, identityId);
    await readAnew(client);
    return { row, undo: event_id, said: text.t("link.separated", { number: row.ticket_number }) };
  },
};
