/** How addresses came to a contact. */
import type { ConversationDetail } from "@centralita/shared/api";

import type { EvidenceView } from "../parts/Evidence";

/** How an address is known to be this contact's; null where it no longer is. */
export function linkOf({ contact }: ConversationDetail, identityId: string): EvidenceView | null {
  const identity = contact.identities.find(({ id }) => id === identityId);
  return identity ? { evidence: identity.evidence, statedBy: "", since: identity.linked_at, by: "" } : null;
}
