import type { ContactOut } from "@centralita/shared/api";
import { IconUsersGroup } from "../parts/icons";

import * as hub from "../api/hub";
import { keys } from "../api/queries";
import { may } from "../session/permissions";
import type { Action } from "./action";

/** Merges a contact into that of the open conversation. */
export const mergeContacts: Action<ContactOut> = {
  name: "mergeContacts",
  label: "packet.mergeContact",
  icon: IconUsersGroup,
  available: (_, me) => may(me, "merge_contacts"),
  perform: async ({ conversation, client, text }, other) => {
    const { event_id } = await hub.mergeContacts(other.id, conversation.contact.id);
    await Promise.all([
      client.invalidateQueries({ queryKey: keys.conversation(conversation.id) }),
      client.invalidateQueries({ queryKey: keys.candidates(conversation.contact.id) }),
    ]);
    return { undo: event_id, said: text.t("contacts.merged") };
  },
};
