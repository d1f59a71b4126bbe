import type { VendorMailIn, VendorOut } from "@centralita/shared/api";
import { IconBuilding } from "../parts/icons";

import * as hub from "../api/hub";
import { applyMessage } from "../live/apply";
import type { Action } from "./action";

/** Writes to an outside firm about the conversation; its answer comes back into it. */
export const askVendor: Action<{ vendor: VendorOut; mail: VendorMailIn }> = {
  name: "askVendor",
  label: "action.askVendor",
  icon: IconBuilding,
  available: (conversation) => conversation.merged_into === null,
  perform: async ({ conversation, text, client }, { vendor, mail }) => {
    applyMessage(client, await hub.askVendor(conversation.id, mail));
    return { said: text.t("vendor.asked", { firm: vendor.name }) };
  },
};
