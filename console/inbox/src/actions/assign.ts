import type { AgentOut } from "@centralita/shared/api";
import { IconUserCheck } from "../parts/icons";

import * as hub from "../api/hub";
import { may } from "../session/permissions";
import type { Action } from "./action";

export const assign: Action<AgentOut> = {
  name: "assign",
  label: "action.assign",
  icon: IconUserCheck,
  shortcut: "a",
  available: (conversation, me) => conversation.merged_into === null && may(me, "assign_others"),
  perform: async ({ conversation, text }, agent) => ({
    row: await hub.assign(conversation.id, agent.id),
    said: text.t("assign.done", { name: agent.name }),
  }),
};
