import type { AgentOut } from "@centralita/shared/api";
import { IconUsersPlus } from "../parts/icons";

import * as hub from "../api/hub";
import type { Action } from "./action";

/** Brings a colleague in, who reads and answers along; whoever has the conversation keeps it. */
export const bringIn: Action<{ agent: AgentOut; note: string; clientId: string }> = {
  name: "bringIn",
  label: "action.bringIn",
  icon: IconUsersPlus,
  available: ({ merged_into, status }) => merged_into === null && status !== "resolved" && status !== "bot",
  perform: async ({ conversation, text }, { agent, note, clientId }) => ({
    row: await hub.bringIn(conversation.id, { agent_id: agent.id, note, client_id: clientId }),
    said: text.t("bringIn.done", { name: agent.name }),
  }),
};
