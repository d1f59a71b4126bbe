import { IconRobot } from "../parts/icons";

import * as hub from "../api/hub";
import { isOpen, type Action } from "./action";

export const handBack: Action = {
  name: "handBack",
  label: "action.handBack",
  icon: IconRobot,
  available: (conversation) => isOpen(conversation) && conversation.status !== "bot",
  perform: async ({ conversation, text }) => ({
    row: await hub.handBack(conversation.id),
    said: text.t("handBack.done"),
  }),
};
