/** How addresses came to a contact, and what was decided about writing to them. */
import type { ConsentOut, ContactOut, IdentityOut } from "@centralita/shared/api";

import type { EvidenceView } from "../parts/Evidence";
import type { Happening } from "../screens/threadItems";

/** How an identity is known to be its contact's. */
export function linkOf(identity: IdentityOut, { identities }: ContactOut): EvidenceView {
  return {
    evidence: identity.evidence,
    statedBy: identities.find(({ id }) => id === identity.stated_by) ?? null,
    since: identity.linked_at,
    by: identity.linked_by.kind === "agent" ? identity.linked_by.name : "",
  };
}

export function happeningOf({ event_id, change, how, channel, address_display, agent_name, at }: ConsentOut): Happening {
  return {
    id: String(event_id),
    ...{ at, how, channel, by: agent_name },
    kind: change === "withdrawn" ? "forbidden" : "allowed",
    address: address_display,
  };
}
