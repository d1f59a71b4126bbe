import { IconCheck } from "../parts/icons";

import * as hub from "../api/hub";
import { isOpen, type Action } from "./action";

export const resolve: Action = {
  name: "resolve",
  label: "action.resolve",
  icon: IconCheck,
  shortcut: "e",
  available: isOpen,
  perform: async ({ conversation, text }) => ({ row: await hub.resolve(conversation.id), said: text.t("resolve.done") }),
};
