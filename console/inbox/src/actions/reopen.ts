import { IconRotate } from "../parts/icons";

import * as hub from "../api/hub";
import type { Action } from "./action";

export const reopen: Action = {
  name: "reopen",
  label: "action.reopen",
  icon: IconRotate,
  available: (conversation) => conversation.merged_into === null && conversation.status === "resolved",
  perform: async ({ conversation, text }) => ({ row: await hub.reopen(conversation.id), said: text.t("reopen.done") }),
};
