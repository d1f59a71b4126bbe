import type { AgentOut } from "@centralita/shared/api";

const SETTINGS = ["edit_routing", "edit_promises", "edit_vendors"] as const;

// What hub/domain/permissions.py grants; the hub decides, this only spares people buttons that would be refused.
const ACTIONS = {
  agent: ["converse"],
  team_lead: ["converse", "assign_others", "read_sources", "accept_sources", "read_floor"],
  supervisor: [...SETTINGS, "read_floor", "converse", "assign_others", "read_sources", "accept_sources", "edit_articles", "merge_contacts", "read_health"],
  editor: ["edit_articles"],
  administrator: [
    ...SETTINGS,
    ...["edit_people", "edit_inboxes", "converse", "assign_others", "read_sources", "accept_sources", "read_floor"],
    ...["edit_articles", "merge_contacts", "read_health", "run_jobs"],
  ],
} as const satisfies Record<AgentOut["role"], readonly string[]>;

export type Permission =
  | "converse"
  | "assign_others"
  | "read_sources"
  | "accept_sources"
  | "edit_articles"
  | "merge_contacts"
  | "read_health"
  | "read_floor"
  | "edit_people"
  | "edit_inboxes"
  | "edit_routing"
  | "edit_promises"
  | "edit_vendors"
  | "run_jobs";

export function may(agent: AgentOut, permission: Permission): boolean {
  return (ACTIONS[agent.role] as readonly Permission[]).includes(permission);
}
