import type { QueryClient } from "@tanstack/react-query";

import { setCsrfToken } from "../api/http";
import * as hub from "../api/hub";
import { keys } from "../api/queries";
import { forgetDrafts } from "../session/drafts";
import { forgetUnsent } from "./send";

const LAST = "centralita.agent";

/** Raises HubError; "not_signed_in" when e-mail address and password do not go together. */
export async function signIn(client: QueryClient, email: string, password: string): Promise<void> {
  const session = await hub.signIn(email, password);
  // A session can end without a sign-out: what somebody else left behind here is not for this agent.
  if (localStorage.getItem(LAST) !== session.agent.id) {
    forgetDrafts();
    forgetUnsent();
  }
  localStorage.setItem(LAST, session.agent.id);
  setCsrfToken(session.csrf_token);
  client.setQueryData(keys.session, session);
}
