import { IconDoorExit } from "../parts/icons";

import * as hub from "../api/hub";
import type { Action } from "./action";

/** The colleague who was brought in is not in it any more. */
export const leave: Action = {
  name: "leave",
  label: "action.leave",
  icon: IconDoorExit,
  available: ({ colleague_id }) => (colleague_id ?? null) !== null,
  perform: async ({ conversation }) => ({ row: await hub.leave(conversation.id) }),
};
