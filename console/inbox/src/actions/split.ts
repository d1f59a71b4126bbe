import { IconGitBranch } from "../parts/icons";

import * as hub from "../api/hub";
import type { Action } from "./action";

/** Moves messages, by id, to a new conversation of their own. */
export const split: Action<string[]> = {
  name: "split",
  label: "action.split",
  icon: IconGitBranch,
  available: (conversation) => conversation.merged_into === null,
  perform: async ({ conversation, text }, messageIds) => {
    const { event_id, conversation: row } = await hub.split(conversation.id, messageIds);
    return { row, undo: event_id, said: text.t("split.done", { number: row.ticket_number }) };
  },
};
