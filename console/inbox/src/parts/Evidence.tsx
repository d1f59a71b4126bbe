import { Popover, UnstyledButton } from "@mantine/core";

import type { IdentityOut } from "@centralita/shared/api";

import { dayAndTime } from "../format/time";
import { useText } from "../text";
import classes from "./Evidence.module.css";
import { IconShieldCheck, IconShieldQuestion, IconUsersGroup, type Icon } from "./icons";

/** How sure it is that an address is this contact's. */
export interface EvidenceView {
  /** The hub's word for it. */
  evidence: string;
  /** The address by which this one is known: whose owner named it, or which has the same number or signature. */
  statedBy: Pick<IdentityOut, "channel" | "address_display"> | null;
  since: string;
  /** The agent who said so; empty where none did. */
  by: string;
}

const PROVED = new Set(["signed_identity", "signed_token", "verified", "same_number", "signed_link"]);

function certainty(evidence: string): "proved" | "said" | "person" {
  if (PROVED.has(evidence)) return "proved";
  return evidence === "merge" || evidence === "agent" ? "person" : "said";
}

const SIGNS: Record<ReturnType<typeof certainty>, Icon> = {
  proved: IconShieldCheck,
  said: IconShieldQuestion,
  person: IconUsersGroup,
};

/** A badge that says in a word how an address came to this contact, and on demand the whole story. */
export function Evidence({ evidence, statedBy, since, by }: EvidenceView) {
  const text = useText();
  const { t, word, known } = text;
  // Who writes from an address has it: that needs no proof.
  if (evidence === "first_message") return null;
  const kind = certainty(evidence);
  const Sign = SIGNS[kind];
  return (
    <Popover width={280} shadow="md" position="bottom" trapFocus>
      <Popover.Target>
        <UnstyledButton className={classes.badge} data-kind={kind}>
          <Sign size={14} aria-hidden /> {word("evidenceBadge", evidence)}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.story ?? ""}>
        <p>{known("evidenceStory", evidence) ?? word("evidence", evidence)}</p>
        {statedBy && (
          <p>{t("evidence.statedBy", { address: [word("channel", statedBy.channel), statedBy.address_display].filter(Boolean).join(" · ") })}</p>
        )}
        <p className={classes.soft}>
          {by ? t("evidence.sinceBy", { time: dayAndTime(since, text), name: by }) : t("evidence.since", { time: dayAndTime(since, text) })}
        </p>
      </Popover.Dropdown>
    </Popover>
  );
}
