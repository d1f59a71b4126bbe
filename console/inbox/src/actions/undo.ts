import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { keys } from "../api/queries";
import { applyRow } from "../live/apply";

/** Takes a merge, a split or an unlinking back by the event that it left. */
export async function undo(client: QueryClient, eventId: number): Promise<void> {
  const row = await hub.undo(eventId);
  if (row) applyRow(client, row);
  await readAnew(client);
}

/** After messages or addresses moved between conversations or contacts. */
export async function readAnew(client: QueryClient): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: keys.conversations }),
    client.invalidateQueries({ queryKey: ["conversation"] }),
    client.invalidateQueries({ queryKey: ["messages"] }),
    client.invalidateQueries({ queryKey: ["candidates"] }),
  ]);
}
