import { IconBuilding } from "../parts/icons";

import * as hub from "../api/hub";
import { keys } from "../api/queries";
import type { Action } from "./action";

/** Takes back what an outside firm was asked. */
export const recallVendor: Action<{ id: string; name: string }> = {
  name: "recallVendor",
  label: "vendor.recall",
  icon: IconBuilding,
  available: (conversation) => conversation.merged_into === null,
  perform: async ({ conversation, text, client }, { id, name }) => {
    await hub.recallVendor(conversation.id, id);
    await client.invalidateQueries({ queryKey: keys.messages(conversation.id) });
    return { said: text.t("vendor.recalled", { firm: name }) };
  },
};
