import type { QueryClient } from "@tanstack/react-query";

import { setCsrfToken } from "../api/http";
import * as hub from "../api/hub";
import { keys } from "../api/queries";

/** Raises HubError; "not_signed_in" when e-mail address and password do not go together. */
export async function signIn(client: QueryClient, email: string, password: string): Promise<void> {
  const session = await hub.signIn(email, password);
  setCsrfToken(session.csrf_token);
  client.setQueryData(keys.session, session);
}
