import type { ContactOut } from "@centralita/shared/api";
import { IconUsersGroup } from "../parts/icons";

import * as hub from "../api/hub";
import { may } from "../session/permissions";
import type { Action } from "./action";

/** Merges the contact of the open conversation into another one. */
export const joinContact: Action<ContactOut> = {
  name: "joinContact",
  label: "packet.mergeContact",
  icon: IconUsersGroup,
  available: (_, me) => may(me, "merge_contacts"),
  perform: async ({ conversation, client, text }, other) => {
    const { event_id } = await hub.mergeContacts(conversation.contact.id, other.id);
    await client.invalidateQueries({ queryKey: ["conversation"] });
    return { undo: event_id, said: text.t("contacts.merged") };
  },
};
