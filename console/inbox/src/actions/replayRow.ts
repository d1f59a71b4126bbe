import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { keys } from "../api/queries";

/** Tries failed work again from the start. Raises HubError. */
export async function replayRow(client: QueryClient, id: number): Promise<void> {
  await hub.replay(id);
  await client.invalidateQueries({ queryKey: keys.deadRows });
}
