import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { keys } from "../api/queries";

/** Takes in after all what was held back. Gives the conversation that it is in, if it is a message. Raises HubError. */
export async function acceptSource(client: QueryClient, id: string): Promise<string | null> {
  try {
    const { conversation_id } = await hub.acceptSource(id);
    return conversation_id;
  } finally {
    // Also where somebody else was faster.
    await client.invalidateQueries({ queryKey: keys.heldBack });
  }
}
