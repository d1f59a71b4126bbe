import type { TeamOut } from "@centralita/shared/api";
import { IconArrowsRightLeft } from "../parts/icons";

import * as hub from "../api/hub";
import { isOpen, type Action } from "./action";

export const transfer: Action<{ team: TeamOut; note: string }> = {
  name: "transfer",
  label: "action.transfer",
  icon: IconArrowsRightLeft,
  available: isOpen,
  perform: async ({ conversation, text }, { team, note }) => ({
    row: await hub.transfer(conversation.id, team.id, note),
    said: text.t("transfer.done", { team: team.name }),
  }),
};
