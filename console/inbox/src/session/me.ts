import type { AgentOut } from "@centralita/shared/api";
import { useSuspenseQuery } from "@tanstack/react-query";

import { sessionQuery } from "../api/queries";

/** The agent who is signed in. Only below the shell, which does not open without a session. */
export function useMe(): AgentOut {
  return useSuspenseQuery(sessionQuery).data.agent;
}
