import { IconFlag } from "../parts/icons";

import * as hub from "../api/hub";
import { applyRow } from "../live/apply";
import type { Action } from "./action";

export const PRIORITIES = ["urgent", "high", "medium", "low", "none"] as const satisfies hub.Priority[];

export const setPriority: Action<hub.Priority> = {
  name: "setPriority",
  label: "action.priority",
  icon: IconFlag,
  available: (conversation) => conversation.merged_into === null,
  perform: async ({ conversation, client }, priority) => {
    // Shown at once: nobody competes for it, and a refusal puts the old one back.
    applyRow(client, { ...conversation, priority });
    try {
      return { row: await hub.setPriority(conversation.id, priority) };
    } catch (error) {
      applyRow(client, conversation);
      throw error;
    }
  },
};
