import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { endLive } from "../live/connection";
import { forgetDrafts } from "../session/drafts";
import { forgetUnsent } from "./send";

/** Ends the session and leaves nothing of customers behind on this computer. Raises HubError. */
export async function signOut(client: QueryClient): Promise<void> {
  await hub.signOut();
  endLive();
  forgetDrafts();
  forgetUnsent();
  client.clear();
}
