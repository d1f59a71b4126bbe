import type { SessionOut } from "@centralita/shared/api";
import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { keys } from "../api/queries";

/** Shown at once, put back when the hub refuses. Raises HubError. */
export async function setPresence(client: QueryClient, presence: hub.Presence, reason: string): Promise<void> {
  const before = client.getQueryData<SessionOut>(keys.session);
  const show = (agent: Partial<SessionOut["agent"]>) =>
    client.setQueryData<SessionOut>(keys.session, (now) => now && { ...now, agent: { ...now.agent, ...agent } });
  show({ presence });
  try {
    show(await hub.setPresence({ presence, reason }));
  } catch (error) {
    client.setQueryData(keys.session, before);
    throw error;
  }
}
