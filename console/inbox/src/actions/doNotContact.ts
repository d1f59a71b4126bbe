import { IconBan } from "../parts/icons";

import * as hub from "../api/hub";
import { keys } from "../api/queries";
import { may } from "../session/permissions";
import type { Action, Context } from "./action";

export interface Consent {
  identityId: string;
  /** Becomes a note in the conversation. */
  reason: string;
}

async function decide({ conversation, client }: Context, { identityId, reason }: Consent, forbidden: boolean): Promise<void> {
  await hub.doNotContact(conversation.id, { identity_id: identityId, reason, forbidden });
  await client.invalidateQueries({ queryKey: keys.conversation(conversation.id) });
}

/** The customer told an agent that they want no messages at an address. */
export const forbidContact: Action<Consent> = {
  name: "forbidContact",
  label: "consent.forbid",
  icon: IconBan,
  available: (conversation, me) => conversation.merged_into === null && may(me, "converse"),
  perform: async (context, consent) => {
    await decide(context, consent, true);
    return { said: context.text.t("consent.forbade") };
  },
};

/** They want them again, and said so: why is written down. */
export const allowContact: Action<Consent> = {
  name: "allowContact",
  label: "consent.lift",
  icon: IconBan,
  available: (conversation, me) => conversation.merged_into === null && may(me, "converse"),
  perform: async (context, consent) => {
    await decide(context, consent, false);
    return { said: context.text.t("consent.lifted") };
  },
};
