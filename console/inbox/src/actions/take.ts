import { IconHandGrab } from "../parts/icons";

import * as hub from "../api/hub";
import { agentsQuery } from "../api/queries";
import { applyRow } from "../live/apply";
import type { Action } from "./action";

export const take: Action = {
  name: "take",
  label: "action.take",
  icon: IconHandGrab,
  shortcut: "t",
  available: (conversation) => conversation.merged_into === null && conversation.status !== "assigned",
  perform: async ({ conversation, text }) => ({ row: await hub.take(conversation.id), said: text.t("take.done") }),

  // "Already taken" is no mistake of the agent's: say who has it and show the conversation as it is.
  explain: async (error, { conversation, client, text }) => {
    if (error.id !== "already_taken") return null;
    try {
      const [{ conversation: row }, { items: agents }] = await Promise.all([
        hub.conversation(conversation.id),
        client.query({ ...agentsQuery, staleTime: "static" }),
      ]);
      applyRow(client, row);
      const owner = agents.find((agent) => agent.id === row.assignee_id);
      return owner ? text.t("take.faster", { name: owner.name }) : text.t("take.fasterSomeone");
    } catch {
      return text.t("take.fasterSomeone");
    }
  },
};
