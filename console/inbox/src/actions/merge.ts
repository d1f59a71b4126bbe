import type { ConversationOut } from "@centralita/shared/api";
import { IconGitMerge } from "../parts/icons";

import * as hub from "../api/hub";
import type { Action } from "./action";

/** Merges the conversation into another one of the same contact. */
export const merge: Action<ConversationOut> = {
  name: "merge",
  label: "action.merge",
  icon: IconGitMerge,
  available: (conversation) => conversation.merged_into === null,
  perform: async ({ conversation, text }, into) => {
    const { event_id, conversation: row } = await hub.merge(conversation.id, into.id);
    return { row, undo: event_id, said: text.t("merge.done", { number: into.ticket_number }) };
  },
};
